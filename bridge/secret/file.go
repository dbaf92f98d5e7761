package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// File is the path of a file that holds a secret and nothing else. Settings that declare a field K of type [Secret] and
// a field KFile of type File are given both by the config when KFile is set, so that they can read the file again after
// it has changed.
type File string

// largestFile keeps a path such as /dev/zero from filling the memory.
const largestFile = 1 << 20

// Read gives the secret, without the end of its line. Its errors show neither the path nor anything of the file: a
// token may stand in the path's place by mistake.
func (f File) Read() (Secret, error) {
	info, err := os.Stat(string(f))
	if err != nil {
		return "", bare(err)
	}
	if !info.Mode().IsRegular() { // a pipe would block
		return "", errors.New("it is not a regular file")
	}
	file, err := os.Open(string(f))
	if err != nil {
		return "", bare(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, largestFile+1))
	switch value := strings.TrimRight(string(text), "\r\n"); {
	case err != nil:
		return "", bare(err)
	case len(text) > largestFile:
		return "", fmt.Errorf("it is larger than %d bytes", largestFile)
	case value == "":
		return "", ErrEmpty
	default:
		return Secret(value), nil
	}
}

// ErrEmpty says that a file holds no secret.
var ErrEmpty = errors.New("it is empty")

func bare(err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		return inner.Err
	}
	return err
}
