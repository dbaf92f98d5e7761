// Package freeport finds addresses on the loopback interface for servers whose address must be known before they run.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are taken from below the range out of which Linux gives ports to outgoing connections (from 32768): a server that is
// stopped for a while must find its port free again.
const first, last = 20000, 32000

// Address gives an address on the loopback interface, host:port, on which nobody listens. Somebody else may take it until it is
// used.
func Address() (string, error) {
	var failed error
	for range 100 {
		listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(last-first)))
		if err != nil {
			failed = err
			continue
		}
		address := listener.Addr().String()
		return address, listener.Close()
	}
	return "", fmt.Errorf("finding a free port: %w", failed)
}
