package teams_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"causeway/contrib/sim/teams"
	"causeway/contrib/sim/teams/notify"
)

// receiver is an endpoint that keeps what it is sent and answers as a test wants.
type receiver struct {
	t    *testing.T
	w    *world
	wait func()

	mu     sync.Mutex
	posts  []posted
	answer func(r *http.Request, n int) int // by the number of the post, from 0; nil: 202
	token  string                           // of the last validation request
	reply  func(http.ResponseWriter, *http.Request, string)
	asked  []string // paths with query of validation requests
}

// posted is one post to an endpoint.
type posted struct {
	path string
	at   time.Time
	body notificationBody
	raw  []byte
}

type notificationBody struct {
	Value  []notification `json:"value"`
	Tokens []string       `json:"validationTokens"`
}

type notification struct {
	SubscriptionID string `json:"subscriptionId"`
	Expires        string `json:"subscriptionExpirationDateTime"`
	ChangeType     string `json:"changeType"`
	ClientState    string `json:"clientState"`
	TenantID       string `json:"tenantId"`
	Resource       string `json:"resource"`
	ResourceData   struct {
		Type    string `json:"@odata.type"`
		ODataID string `json:"@odata.id"`
		ID      string `json:"id"`
	} `json:"resourceData"`
	Encrypted *notify.Encrypted `json:"encryptedContent"`
	Lifecycle string            `json:"lifecycleEvent"`
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if token := q.URL.Query().Get("validationToken"); q.URL.Query().Has("validationToken") {
		r.mu.Lock()
		r.token, r.asked = token, append(r.asked, q.URL.String())
		reply := r.reply
		r.mu.Unlock()
		if reply != nil {
			reply(w, q, token)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, token)
		return
	}
	raw, err := io.ReadAll(q.Body)
	if err != nil {
		return
	}
	p := posted{path: q.URL.Path, at: time.Now(), raw: raw}
	json.Unmarshal(raw, &p.body) // garbage is what some tests send
	r.mu.Lock()
	n := len(r.posts)
	r.posts = append(r.posts, p)
	answer := r.answer
	r.mu.Unlock()
	status := http.StatusAccepted
	if answer != nil {
		status = answer(q, n)
	}
	w.WriteHeader(status)
}

func (r *receiver) all() []posted {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]posted(nil), r.posts...)
}

// items are all notifications of changes received, in order.
func (r *receiver) items() (list []notification) {
	for _, p := range r.all() {
		if p.path == "/hook" {
			list = append(list, p.body.Value...)
		}
	}
	return list
}

// events are all lifecycle events received.
func (r *receiver) events() (list []string) {
	for _, p := range r.all() {
		for _, it := range p.body.Value {
			if it.Lifecycle != "" {
				list = append(list, it.Lifecycle)
			}
		}
	}
	return list
}

// certificate is an RSA key pair with a self-signed certificate.
type certificate struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
	text string
}

// testKey is read, not made: making keys takes long.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	text, err := os.ReadFile("notify/testdata/openssl.json")
	var in struct{ PrivateKey []byte }
	if err == nil {
		err = json.Unmarshal(text, &in)
	}
	var key any
	if err == nil {
		key, err = x509.ParsePKCS8PrivateKey(in.PrivateKey)
	}
	if err != nil {
		panic(err)
	}
	return key.(*rsa.PrivateKey)
})

// newCertificate makes a certificate that is valid until a time.
func newCertificate(until time.Time) certificate {
	key := testKey()
	form := &x509.Certificate{SerialNumber: big.NewInt(until.Unix()), Subject: pkix.Name{CommonName: "test"}, NotBefore: until.Add(-87600 * time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return certificate{key: key, cert: cert, text: base64.StdEncoding.EncodeToString(der)}
}

var testCertificate = sync.OnceValue(func() certificate { return newCertificate(time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)) })

// hooked is a world with an endpoint that is reached in process.
func hooked(t *testing.T, opts teams.Options) (*world, *receiver) {
	t.Helper()
	r := &receiver{t: t}
	opts.Webhooks.Transport, r.wait = teams.HandlerTransport(r)
	w := newWorld(t, opts)
	r.w = w
	t.Cleanup(func() {
		ok(t, w.sim.Close())
		r.wait()
	})
	return w, r
}

// wish is the body of a subscription request that is all right; change leaves out (nil) or replaces members.
func (w *world) wish(change map[string]any) string {
	m := map[string]any{
		"changeType": "created,updated,deleted", "resource": "/teams/" + w.team.ID + "/channels/" + w.general.ID + "/messages",
		"notificationUrl": "https://bridge.example/hook", "lifecycleNotificationUrl": "https://bridge.example/lifecycle",
		"clientState": "s3cret-state", "includeResourceData": true,
		"encryptionCertificate": testCertificate().text, "encryptionCertificateId": "key-1",
		"expirationDateTime": w.now().Add(48 * time.Hour).Format(time.RFC3339Nano),
	}
	for name, value := range change {
		if m[name] = value; value == nil {
			delete(m, name)
		}
	}
	text, err := json.Marshal(m)
	ok(w.t, err)
	return string(text)
}

func (w *world) subscribe(change map[string]any) string {
	w.t.Helper()
	return w.post("/subscriptions", w.appToken, w.wish(change)).want(w.t, 201, "").text("id")
}

func (w *world) delivered() {
	w.t.Helper()
	ok(w.t, w.sim.AwaitDeliveries(w.t.Context()))
}

// open decrypts what a notification holds.
func (w *world) open(it notification) map[string]any {
	w.t.Helper()
	if it.Encrypted == nil {
		w.t.Fatalf("a notification without resource data: %+v", it)
	}
	plain, err := notify.Decrypt(testCertificate().key, it.Encrypted)
	ok(w.t, err)
	var object map[string]any
	ok(w.t, json.Unmarshal(plain, &object))
	return object
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

func decode(t *testing.T, document []byte) (object map[string]any) {
	t.Helper()
	ok(t, json.Unmarshal(document, &object))
	return object
}
