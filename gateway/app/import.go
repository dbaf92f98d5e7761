package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"causeway/gateway"
	"causeway/gateway/config/matterbridge"
)

// importFrom is `causeway import`. Without -o nothing secret is written: it would stand on a screen, or in a file that others may read.
func (c *call) importFrom(context.Context) error {
	old := c.args[0]
	data, err := os.ReadFile(old)
	if err != nil {
		return fmt.Errorf("reading Matterbridge's config: %w: name the file with which it runs", err)
	}
	made, err := matterbridge.Convert(old, data, c.output != "")
	if err != nil {
		return err
	}
	if c.output == "" {
		if _, err := c.out.Write(made.Text); err != nil {
			return err
		}
		_, err := io.WriteString(c.Stderr, whatIsLeft(made)+"No secret is shown; -o FILE writes a file that nobody else can read, and moves the tokens into it.\n")
		return err
	}
	if err := writeAnew(c.output, made.Text); err != nil {
		return err
	}
	text := fmt.Sprintf("Wrote %s.\n%s", c.output, whatIsLeft(made))
	if made.Secrets {
		text += "Tokens stand in it, so only you can read it. They are better off in environment variables (Token = \"env:NAME\") or files of their own (TokenFile).\n"
	}
	_, err = io.WriteString(c.out, text+"Next: causeway check -c "+c.output+"\n")
	return err
}

func whatIsLeft(made matterbridge.Converted) string {
	return fmt.Sprintf("%s to do, marked TO DO; %s left out, each with its reason.\n", gateway.Count(made.ToDo, "thing"), gateway.Count(made.LeftOut, "thing"))
}

// writeAnew makes a file that only its owner can read; never in place of another.
func writeAnew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("writing %s: there is such a file already: name another one with -o, or move that one away", path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w: name a file with -o in a folder where you may write", path, err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, errors.Join(err, os.Remove(path)))
	}
	return nil
}
