package msteams

import (
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge/secret"
)

// proof is how the app shows Entra who it is: a client secret, or else a private key with its certificate.
type proof struct {
	Secret      secret.Secret
	Key         crypto.PrivateKey
	Certificate *x509.Certificate
}

// same tells whether two are equal.
func (p proof) same(other proof) bool {
	if p.Certificate == nil || other.Certificate == nil {
		return p.Certificate == other.Certificate && p.Secret == other.Secret
	}
	return p.Certificate.Equal(other.Certificate)
}

// credentials are the proof that is in use. One that came from a file is read again when the file has changed, which is
// looked at before each token is asked for: about once an hour. What cannot be read leaves the former in use. So does
// what Entra refuses: a secret that was made a minute ago may not have reached all of Entra yet.
type credentials struct {
	// setting is the key of the config that names file; both are empty when the proof stands in the config itself.
	setting, file string
	read          func(file string) (proof, error)
	log           *logrus.Entry

	// reading is held while the file is looked at; who is shown what is in use does not wait for the disk.
	reading sync.Mutex
	stamp   stamp

	mu      sync.Mutex
	current proof
	// former was in the file before current, and is kept until Entra has taken current.
	former *proof
	// told is what the operator was told last, so that they are told once.
	told string
}

// stamp is by which a changed file is recognised.
type stamp struct {
	modified time.Time
	size     int64
}

func stampOf(file string) (stamp, error) {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.ModTime(), info.Size()}, nil
}

// newCredentials reads what the settings name.
func newCredentials(s Settings, log *logrus.Entry) (*credentials, error) {
	c := &credentials{log: log, current: proof{Secret: s.ClientSecret}}
	switch {
	case s.ClientCertificateFile != "":
		c.setting, c.file, c.read = "ClientCertificateFile", s.ClientCertificateFile, readCertificate
	case s.ClientSecretFile != "":
		c.setting, c.file, c.read = "ClientSecretFile", string(s.ClientSecretFile), func(file string) (proof, error) {
			value, err := secret.File(file).Read()
			return proof{Secret: value}, err
		}
	default:
		return c, nil
	}
	var err error
	if c.stamp, err = stampOf(c.file); err == nil {
		c.current, err = c.read(c.file)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.setting, err)
	}
	return c, nil
}

// readCertificate reads a PEM file that holds a private key and its certificate.
func readCertificate(file string) (proof, error) {
	pair, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		return proof{}, err
	}
	if _, ok := pair.PrivateKey.(*rsa.PrivateKey); !ok {
		return proof{}, fmt.Errorf("only RSA keys are taken by Entra, not %T", pair.PrivateKey)
	}
	return proof{Key: pair.PrivateKey, Certificate: pair.Leaf}, nil
}

// now gives the proof to use, and the one to use when Entra refuses it; nil when there is none.
func (c *credentials) now() (proof, *proof) {
	if c.file != "" {
		c.reload()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current, c.former
}

// shown gives the proof in use without looking at the file.
func (c *credentials) shown() proof {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// reload reads the file when it has changed.
func (c *credentials) reload() {
	c.reading.Lock()
	defer c.reading.Unlock()
	seen, err := stampOf(c.file)
	if err == nil && seen == c.stamp {
		return
	}
	var fresh proof
	if err == nil {
		// The stamp was taken before the file is read, so what is written meanwhile shows the next time.
		c.stamp = seen
		fresh, err = c.read(c.file)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.tell("The file that " + c.setting + " names has changed and cannot be read; what was in it before stays in use: " + bareFile(err).Error())
	case fresh.same(c.current):
		c.told = ""
	default:
		former := c.current
		c.current, c.former, c.told = fresh, &former, ""
		c.log.Infof("The file that %s names has changed and was read again.", c.setting)
	}
}

// accepted notes which proof Entra has taken.
func (c *credentials) accepted(p proof) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case p.same(c.current):
		c.former = nil
	case c.former != nil && p.same(*c.former):
		c.tell("Entra does not take what is in the file that " + c.setting + " names; what was in it before is still good and stays in use")
	}
}

// tell says something once. The caller holds the lock.
func (c *credentials) tell(text string) {
	if c.told != text {
		c.told = text
		c.log.Warn(text + ".")
	}
}

// bareFile takes the path off an error.
func bareFile(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
