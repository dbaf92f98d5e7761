package e2e

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// letterbox is a server for e-mail (SMTP, RFC 5321) that keeps what it is given.
type letterbox struct {
	host string
	port int
	wait sync.WaitGroup

	mu sync.Mutex
	// told counts the letters by their addressee and subject.
	told map[[2]string]int
}

// newLetterbox starts one; it ends with the test.
func newLetterbox(t *testing.T) *letterbox {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().(*net.TCPAddr)
	b := &letterbox{host: address.IP.String(), port: address.Port, told: map[[2]string]int{}}
	b.wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.wait.Go(func() {
				defer c.Close()
				b.serve(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		b.wait.Wait()
	})
	return b
}

// settings make a Mattermost server send its letters here.
func (b *letterbox) settings() map[string]string {
	return map[string]string{
		"MM_EMAILSETTINGS_SENDEMAILNOTIFICATIONS": "true", "MM_EMAILSETTINGS_SMTPSERVER": b.host, "MM_EMAILSETTINGS_SMTPPORT": fmt.Sprint(b.port),
		"MM_EMAILSETTINGS_FEEDBACKEMAIL": "mattermost@example.test", "MM_EMAILSETTINGS_REPLYTOADDRESS": "mattermost@example.test",
		"MM_EMAILSETTINGS_ENABLESMTPAUTH": "false", "MM_EMAILSETTINGS_ENABLEEMAILBATCHING": "false", "MM_EMAILSETTINGS_CONNECTIONSECURITY": "",
	}
}

func (b *letterbox) serve(c net.Conn) {
	in := bufio.NewScanner(c)
	say := func(line string) { fmt.Fprint(c, line+"\r\n") }
	say("220 letterbox")
	to := ""
	for in.Scan() {
		switch verb, _, _ := strings.Cut(strings.ToUpper(in.Text()), " "); verb {
		case "DATA":
			say("354 go on")
			b.take(to, in)
			say("250 kept")
		case "RCPT":
			_, to, _ = strings.Cut(in.Text(), "<")
			to, _, _ = strings.Cut(to, ">")
			say("250 fine")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 letterbox")
		}
	}
}

// take reads a letter to its end. Encoded subjects are left as they are.
func (b *letterbox) take(to string, in *bufio.Scanner) {
	subject, headers := "", true
	for in.Scan() && in.Text() != "." {
		headers = headers && in.Text() != ""
		if rest, ok := strings.CutPrefix(in.Text(), "Subject: "); ok && headers {
			subject = rest
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told[[2]string{to, subject}]++
}

// direct counts the letters that told an address of a direct message.
func (b *letterbox) direct(address string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for what, count := range b.told {
		if what[0] == address && strings.Contains(strings.ReplaceAll(what[1], "_", " "), "Direct Message") {
			n += count
		}
	}
	return n
}
