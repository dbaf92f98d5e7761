// Package freeport finds addresses on the loopback interface for servers whose address must be known before they run.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports are taken from below the range out of which Linux gives ports to outgoing connections (from 32768): a server that is
// stopped for a while must find its port free again.
const first, last = 20000, 32000

// below is how far below a port its mark is: out of the range of ports.
const below = last - first

// Address gives an address on the loopback interface, host:port, on which nobody listens. Address gives it to nobody else as long as this
// process lives: another port, for UDP, is taken as a mark of that. (Servers that speak HTTP/3 want that of the same number.)
func Address() (string, error) {
	var failed error
	for range 100 {
		port := first + rand.IntN(last-first)
		address := fmt.Sprintf("127.0.0.1:%d", port)
		mark, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", port-below))
		if err != nil {
			failed = err
			continue
		}
		listener, err := net.Listen("tcp4", address)
		if err != nil {
			failed = err
			_ = mark.Close()
			continue
		}
		marks.Lock()
		marks.all = append(marks.all, mark) // else the collector closes it
		marks.Unlock()
		return address, listener.Close()
	}
	return "", fmt.Errorf("finding a free port: %w", failed)
}

var marks struct {
	sync.Mutex
	all []net.PacketConn
}
