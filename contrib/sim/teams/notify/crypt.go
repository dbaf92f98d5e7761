package notify

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// keySize is the length of the symmetric key in bytes: AES-256.
const keySize = 32

// Encrypted is the encryptedContent of an item.
type Encrypted struct {
	Data                  string `json:"data"`
	DataSignature         string `json:"dataSignature"`
	DataKey               string `json:"dataKey"`
	CertificateID         string `json:"encryptionCertificateId"`
	CertificateThumbprint string `json:"encryptionCertificateThumbprint"`
}

// Encrypt seals resource data as the page change-notifications-with-resource-data says: a fresh AES-256 key, CBC with
// PKCS7 padding and the first 16 bytes of the key as IV, an HMAC-SHA256 of the ciphertext under the same key, and the
// key under RSA-OAEP with SHA-1.
func Encrypt(cert *x509.Certificate, certID string, plain []byte) (*Encrypted, error) {
	public, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("encrypting resource data: the certificate has no RSA key")
	}
	key := make([]byte, keySize)
	rand.Read(key)
	sealedKey, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, public, key, nil)
	if err != nil {
		return nil, fmt.Errorf("encrypting resource data: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("encrypting resource data: %w", err)
	}
	padding := aes.BlockSize - len(plain)%aes.BlockSize
	data := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, key[:aes.BlockSize]).CryptBlocks(data, data)
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	encode := base64.StdEncoding.EncodeToString
	return &Encrypted{
		Data: encode(data), DataSignature: encode(mac.Sum(nil)), DataKey: encode(sealedKey),
		CertificateID: certID, CertificateThumbprint: Thumbprint(cert),
	}, nil
}

// Thumbprint names a certificate as notifications do: SHA-1 of its DER form in capital hexadecimal digits.
func Thumbprint(cert *x509.Certificate) string {
	sum := sha1.Sum(cert.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// ParseCertificate reads an encryptionCertificate: base64 of a DER certificate with an RSA key of 2,048 to 4,096 bits.
func ParseCertificate(text string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("the certificate is not base64")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, errors.New("the certificate is not an X.509 certificate in DER form")
	}
	public, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("the certificate has no RSA key")
	}
	if bits := public.N.BitLen(); bits < 2048 || bits > 4096 {
		return nil, fmt.Errorf("the certificate has a key of %d bits, not of 2048 to 4096", bits)
	}
	return cert, nil
}

// Decrypt opens what Encrypt sealed, in the documented order: key, signature, data. It is what tests of senders read
// with.
func Decrypt(private *rsa.PrivateKey, e *Encrypted) ([]byte, error) {
	var parts [3][]byte
	for i, text := range []string{e.DataKey, e.DataSignature, e.Data} {
		part, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("decrypting resource data: %w", err)
		}
		parts[i] = part
	}
	sealedKey, signature, data := parts[0], parts[1], parts[2]
	key, err := rsa.DecryptOAEP(sha1.New(), nil, private, sealedKey, nil)
	if err != nil {
		return nil, fmt.Errorf("decrypting resource data: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	if !hmac.Equal(mac.Sum(nil), signature) {
		return nil, errors.New("decrypting resource data: the signature is wrong")
	}
	block, err := aes.NewCipher(key)
	if err != nil || len(key) != keySize || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, errors.New("decrypting resource data: the lengths are wrong")
	}
	cipher.NewCBCDecrypter(block, key[:aes.BlockSize]).CryptBlocks(data, data)
	padding := int(data[len(data)-1])
	if padding < 1 || padding > aes.BlockSize || !bytes.HasSuffix(data, bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, errors.New("decrypting resource data: the padding is wrong")
	}
	return data[:len(data)-padding], nil
}
