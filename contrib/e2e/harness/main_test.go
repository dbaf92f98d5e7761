package harness

import (
	"fmt"
	"io"
	"os"
	"testing"
)

// helperMode makes this test program start PostgreSQL, say where it is, and wait to be killed.
const helperMode = "E2E_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helperMode) != "" {
		tb := newMainTB()
		if err := tb.try(func() {
			pg := StartPostgres(tb)
			fmt.Printf("helper: %d %s %s\n", pg.process.PID(), pg.address, pg.process.command.Dir)
		}); err != nil {
			fmt.Println("helper:", err)
			os.Exit(1)
		}
		_, _ = io.Copy(io.Discard, neverEnding{})
	}
	os.Exit(Main(m))
}

type neverEnding struct{}

func (neverEnding) Read([]byte) (int, error) { select {} }
