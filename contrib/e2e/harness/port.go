package harness

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are taken from below the range out of which Linux gives ports to outgoing connections (from 32768): a server that is
// stopped for a while must find its port free again.
const firstPort, lastPort = 20000, 32000

// freePort returns a loopback address that nobody listens on. Somebody else may take it until it is used, which the
// starters of servers answer by trying another one.
func freePort() (string, error) {
	var last error
	for range 100 {
		listener, err := listen(fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort)))
		if err != nil {
			last = err
			continue
		}
		address := listener.Addr().String()
		return address, listener.Close()
	}
	return "", fmt.Errorf("finding a free port: %w", last)
}

func listen(address string) (net.Listener, error) { return net.Listen("tcp4", address) }
