package main

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clocksCanJump: this machine's processes can be shown another time than it has.
const clocksCanJump = true

// A clock that jumps: a program asks the kernel for the time through a page that the kernel maps into it, the vDSO. That page is the process's own
// copy once it is written to, so what the function __vdso_clock_gettime does can be changed for one process, the unchanged program included: it
// jumps to code in the unused end of the page, which makes the system call and adds an offset to the wall clock (CLOCK_REALTIME). The monotonic clock goes on, as
// when somebody sets the time of a machine.

// gettime makes the system call clock_gettime and adds the offset behind it to the seconds of CLOCK_REALTIME.
var gettime = []byte{
	0xb8, 0xe4, 0x00, 0x00, 0x00, // mov $228, %eax
	0x0f, 0x05, // syscall
	0x85, 0xc0, // test %eax, %eax
	0x75, 0x0e, // jnz end
	0x85, 0xff, // test %edi, %edi
	0x75, 0x0a, // jnz end
	0x48, 0x8b, 0x0d, 0x0a, 0x00, 0x00, 0x00, // mov offset(%rip), %rcx
	0x48, 0x01, 0x0e, // add %rcx, (%rsi)
	0xc3,                               // end: ret
	0x90, 0x90, 0x90, 0x90, 0x90, 0x90, // so that the offset can be written at once
	0, 0, 0, 0, 0, 0, 0, 0, // offset
}

const offsetAt = 32

// jumper sets the wall clock of a process.
type jumper struct {
	pid    int
	offset int64 // where the offset is, in the memory of the process
}

// newJumper prepares a process, which it stops for a moment.
func newJumper(pid int) (*jumper, error) {
	base, size, err := vdso(pid)
	if err != nil {
		return nil, fmt.Errorf("preparing a clock: %w", err)
	}
	if err := halt(pid); err != nil {
		return nil, fmt.Errorf("preparing a clock: %w", err)
	}
	defer syscall.Kill(pid, syscall.SIGCONT)
	offset, err := patch(pid, base, size)
	if err != nil {
		return nil, fmt.Errorf("preparing a clock: %w", err)
	}
	return &jumper{pid, offset}, nil
}

// jumps sets how far the wall clock is from the right time, in whole seconds.
func (j *jumper) jumps(by time.Duration) error {
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", j.pid), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer memory.Close()
	_, err = memory.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(int64(by/time.Second))), j.offset)
	return err
}

// vdso finds where the page is mapped.
func vdso(pid int) (base, size int64, err error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(maps)) {
		if !strings.HasSuffix(strings.TrimSpace(line), "[vdso]") {
			continue
		}
		var end int64
		_, err := fmt.Sscanf(line, "%x-%x", &base, &end)
		return base, end - base, err
	}
	return 0, 0, errors.New("the process has no vDSO")
}

// halt stops a process and waits until it stands.
func halt(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			return err
		}
		if _, state, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(state, "T") {
			return nil
		}
	}
	return errors.New("the process does not stop")
}

// patch makes the function jump to gettime, and gives where the offset is.
func patch(pid int, base, size int64) (offset int64, err error) {
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer memory.Close()
	page := io.NewSectionReader(memory, base, size)
	entry, err := function(page, "__vdso_clock_gettime")
	if err != nil {
		return 0, err
	}
	free := (size - int64(len(gettime))) &^ 15
	end := make([]byte, size-free)
	if _, err := page.ReadAt(end, free); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	for _, b := range end {
		if b != 0 {
			return 0, errors.New("the vDSO has no room")
		}
	}
	jump := binary.LittleEndian.AppendUint32([]byte{0xe9}, uint32(free-entry-5))
	if _, err := memory.WriteAt(gettime, base+free); err != nil {
		return 0, err
	}
	if _, err := memory.WriteAt(jump, base+entry); err != nil {
		return 0, err
	}
	return base + free + offsetAt, nil
}

// function finds a function in an ELF image as it lies in memory.
func function(image io.ReaderAt, name string) (int64, error) {
	file, err := elf.NewFile(image)
	if err != nil {
		return 0, fmt.Errorf("reading the vDSO: %w", err)
	}
	symbols, err := file.DynamicSymbols()
	if err != nil {
		return 0, fmt.Errorf("reading the vDSO: %w", err)
	}
	for _, s := range symbols {
		if s.Name == name {
			return int64(s.Value), nil
		}
	}
	return 0, fmt.Errorf("the vDSO has no %s", name)
}
