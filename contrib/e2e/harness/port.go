package harness

import (
	"net"

	"causeway/gateway/web/freeport"
)

// freePort returns a loopback address that nobody listens on. A program that is none of ours may take it until it is used, which the
// starters of servers answer by trying another one.
func freePort() (string, error) { return freeport.Address() }

func listen(address string) (net.Listener, error) { return net.Listen("tcp4", address) }
