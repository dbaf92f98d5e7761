package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// Machine is what figures depend on, without names that identify it.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory string `json:"memory"`
	Kernel string `json:"kernel"`
	// Disk is the file system on which stores lie, and FsyncMicroseconds what it takes to make 4 KiB durable there.
	Disk              string  `json:"disk"`
	FsyncMicroseconds float64 `json:"fsync_us"`
}

func thisMachine(folder string) (Machine, error) {
	m := Machine{Cores: runtime.NumCPU()}
	var err error
	if m.CPU, err = firstField("/proc/cpuinfo", "model name"); err != nil {
		m.CPU = runtime.GOARCH // not every architecture tells a name
	}
	if m.Memory, err = firstField("/proc/meminfo", "MemTotal"); err != nil {
		return m, err
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return m, fmt.Errorf("reading the kernel's version: %w", err)
	}
	m.Kernel = strings.TrimSpace(string(kernel))
	if m.Disk, err = fileSystem(folder); err != nil {
		return m, err
	}
	took, err := fsyncTime(folder)
	m.FsyncMicroseconds = float64(took.Microseconds())
	return m, err
}

// firstField gives the value of the first line "name : value".
func firstField(path, name string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading about this machine: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value), nil
		}
	}
	return "", fmt.Errorf("reading about this machine: %s does not tell the %s", path, name)
}

// fileSystems by their number in statfs(2).
var fileSystems = map[int64]string{
	0xef53: "ext4", 0x58465342: "xfs", 0x9123683e: "btrfs", 0x01021994: "tmpfs (in memory, where an fsync costs nothing)",
	0x794c7630: "overlay", 0x6969: "nfs", 0x2fc12fc1: "zfs",
}

func fileSystem(folder string) (string, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return "", fmt.Errorf("looking at the file system: %w", err)
	}
	if name := fileSystems[int64(s.Type)]; name != "" {
		return name, nil
	}
	return fmt.Sprintf("0x%x", int64(s.Type)), nil
}

// versions are those of what is measured.
func versions(ctx context.Context, p paths) (map[string]string, error) {
	v := map[string]string{"Go": runtime.Version()}
	v["Causeway"] = causewayVersion(ctx, p.product)
	var err error
	if v["Matterbridge"], err = p.matterbridgeVersion(ctx); err != nil {
		return nil, err
	}
	v["Mattermost server"], err = p.mattermostVersion(ctx)
	return v, err
}

// causewayVersion is what git calls the sources in a folder; they may be there without git.
func causewayVersion(ctx context.Context, folder string) string {
	commit, err := run(ctx, folder, "git", "-c", "safe.directory=*", "describe", "--always", "--dirty")
	if err != nil {
		return "unknown version"
	}
	return strings.TrimSpace(commit)
}
