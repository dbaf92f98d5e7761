#!/bin/bash
# Makes the known answers of this folder with openssl alone, so that nothing of what is tested has a hand in them: keys.json
# (in the form of Keys.Marshal), delivery.json (a delivery of one encrypted item with its validation token), resource.json
# (what is in it), jwks.json (the key that signed the token).
set -euo pipefail
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
b64() { openssl base64 -A; }
b64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# The key pair of the subscription.
openssl genrsa -out "$tmp/key.pem" 2048
openssl pkcs8 -topk8 -nocrypt -in "$tmp/key.pem" -outform DER -out "$tmp/key.der"
openssl req -x509 -new -key "$tmp/key.pem" -subj "/CN=known answers" -days 36500 -outform DER -out "$tmp/cert.der"
openssl x509 -inform DER -in "$tmp/cert.der" -pubkey -noout >"$tmp/public.pem"
id=causeway-$(openssl pkey -pubin -in "$tmp/public.pem" -outform DER | openssl dgst -sha256 -r | cut -c1-32)
thumbprint=$(openssl dgst -sha1 -r "$tmp/cert.der" | cut -c1-40 | tr a-f A-F)
printf '{"version":1,"keys":[{"private":"%s","certificate":"%s","made":"2026-01-02T03:04:05Z"}]}\n' \
    "$(b64 <"$tmp/key.der")" "$(b64 <"$tmp/cert.der")" >keys.json

# One item, as change-notifications-with-resource-data describes it.
printf '{"id":"1565045424600","messageType":"message","body":{"contentType":"html","content":"<p>Grüße, 世界 👋</p>"}}' >resource.json
openssl rand 32 >"$tmp/symmetric"
hex=$(od -An -v -tx1 "$tmp/symmetric" | tr -d ' \n')
openssl enc -aes-256-cbc -K "$hex" -iv "${hex:0:32}" -in resource.json -out "$tmp/data"
openssl dgst -sha256 -mac HMAC -macopt "hexkey:$hex" -binary -out "$tmp/signature" "$tmp/data"
openssl pkeyutl -encrypt -pubin -inkey "$tmp/public.pem" -in "$tmp/symmetric" -out "$tmp/datakey" \
    -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha1 -pkeyopt rsa_mgf1_md:sha1

# The validation token, version 2.0, good until 2100.
openssl genrsa -out "$tmp/signing.pem" 2048
openssl req -x509 -new -key "$tmp/signing.pem" -subj "/CN=signing" -days 36500 -outform DER -out "$tmp/signing.der"
modulus=$(openssl rsa -in "$tmp/signing.pem" -noout -modulus | cut -d= -f2 | xxd -r -p | b64url)
printf '{"keys":[{"kty":"RSA","use":"sig","kid":"known-answer","x5t":"known-answer","n":"%s","e":"AQAB","x5c":["%s"],"issuer":"https://login.microsoftonline.com/{tenantid}/v2.0"}]}\n' \
    "$modulus" "$(b64 <"$tmp/signing.der")" >jwks.json
tenant=9f4ebab6-520d-49c0-85cc-7b25c78d4a93
head=$(printf '{"typ":"JWT","alg":"RS256","kid":"known-answer"}' | b64url)
claims=$(printf '{"aud":"925bff9f-f6e2-4a69-b858-f71ea2b9b6d0","iss":"https://login.microsoftonline.com/%s/v2.0","iat":1624649764,"nbf":1624649764,"exp":4102444800,"azp":"0bf30f3b-4a52-48df-9a82-234910c4a086","azpacr":"2","tid":"%s","ver":"2.0"}' $tenant $tenant | b64url)
signature=$(printf '%s.%s' "$head" "$claims" | openssl dgst -sha256 -sign "$tmp/signing.pem" -binary | b64url)

printf '{"value":[{"subscriptionId":"76222963-cc7b-42d2-882d-8aaa69cb2ba3","changeType":"Created","tenantId":"%s","clientState":"known","subscriptionExpirationDateTime":"2026-03-20T11:00:00.0000000Z","resource":"teams('"'"'d29828b8-c04d-4e2a-b2f6-07da6982f0f0'"'"')/channels('"'"'19:f127a8c55ad949d1a238464d22f0f99e@thread.skype'"'"')/messages('"'"'1565045424600'"'"')","resourceData":{"id":"1565045424600","@odata.type":"#Microsoft.Graph.ChatMessage"},"encryptedContent":{"data":"%s","dataKey":"%s","dataSignature":"%s","encryptionCertificateId":"%s","encryptionCertificateThumbprint":"%s"}}],"validationTokens":["%s.%s.%s"]}\n' \
    "$tenant" "$(b64 <"$tmp/data")" "$(b64 <"$tmp/datakey")" "$(b64 <"$tmp/signature")" "$id" "$thumbprint" "$head" "$claims" "$signature" >delivery.json
