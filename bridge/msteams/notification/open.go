package notification

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
)

var (
	// ErrNoContent: the item brings no resource along. Its subscription was made without resource data.
	ErrNoContent = errors.New("opening a notification: it has no encrypted content")
	// ErrUnknownKey: it was encrypted for a certificate whose key is not here. Another instance may have rotated the
	// keys: read them again from the store, once. Otherwise its subscription is to be made anew.
	ErrUnknownKey = errors.New("opening a notification: there is no key for its certificate")
	// ErrUndecipherable is everything else: the content is damaged, incomplete, or was not made for this key. Which it
	// is, is not told on purpose.
	ErrUndecipherable = errors.New("opening a notification: its content is damaged or was not made for this key")
)

// symmetricKey is how many bytes the key of an item has (AES-256).
const symmetricKey = 32

var strictBase64 = base64.StdEncoding.Strict()

// Open gives the resource that an item brings along, as JSON. The signature over the encrypted content is checked first
// and in constant time, then the content is deciphered. The errors are [ErrNoContent], [ErrUnknownKey] and
// [ErrUndecipherable].
func (k *Keys) Open(item *Item) ([]byte, error) {
	if !item.rich {
		return nil, ErrNoContent
	}
	p := k.find(item.certificate, item.thumbprint)
	if p == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnknownKey, shown(item.certificate))
	}
	wrapped, err1 := strictBase64.DecodeString(item.dataKey)
	signature, err2 := strictBase64.DecodeString(item.signature)
	data, err3 := strictBase64.DecodeString(item.data)
	if err1 != nil || err2 != nil || err3 != nil || len(wrapped) != p.private.Size() ||
		len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, ErrUndecipherable
	}
	// A key that cannot be unwrapped is replaced by one that fails the signature, so that both failures are one.
	var key [symmetricKey]byte
	unwrapped, err := rsa.DecryptOAEP(sha1.New(), nil, p.private, wrapped, nil)
	good := subtle.ConstantTimeEq(int32(len(unwrapped)), symmetricKey)
	if err != nil {
		good = 0
	}
	copy(key[:], unwrapped)
	mac := hmac.New(sha256.New, key[:])
	mac.Write(data)
	var sum [sha256.Size]byte
	good &= subtle.ConstantTimeCompare(mac.Sum(sum[:0]), signature)
	if good != 1 {
		return nil, ErrUndecipherable
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, ErrUndecipherable
	}
	cipher.NewCBCDecrypter(block, key[:aes.BlockSize]).CryptBlocks(data, data)
	plain, ok := unpad(data)
	if !ok {
		return nil, ErrUndecipherable
	}
	return plain, nil
}

// unpad takes off the padding of PKCS #7: 1 to 16 bytes, each of them their number. It looks at the same bytes whatever
// they are.
func unpad(data []byte) ([]byte, bool) {
	last := data[len(data)-1]
	good := subtle.ConstantTimeLessOrEq(1, int(last)) & subtle.ConstantTimeLessOrEq(int(last), aes.BlockSize)
	for i := 1; i <= aes.BlockSize; i++ {
		outside := subtle.ConstantTimeLessOrEq(int(last)+1, i)
		good &= outside | subtle.ConstantTimeByteEq(data[len(data)-i], last)
	}
	if good != 1 {
		return nil, false
	}
	return data[:len(data)-int(last)], true
}
