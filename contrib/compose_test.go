package contrib_test

import (
	"bytes"
	"context"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"causeway/gateway/store/pgtest"
	"causeway/gateway/web/freeport"
)

// compose is one of the files for `docker compose`: as much of https://docs.docker.com/reference/compose-file/ as ours use; anything else is a mistake.
type compose struct {
	text     string
	Services map[string]service
	Volumes  map[string]struct{}
}

type service struct {
	Image, Restart string
	Grace          string   `yaml:"stop_grace_period"`
	ReadOnly       bool     `yaml:"read_only"`
	Drop           []string `yaml:"cap_drop"`
	Security       []string `yaml:"security_opt"`
	Tmpfs, Volumes []string
	Environment    yaml.Node
	Ports          []string
	DependsOn      map[string]struct{ Condition string } `yaml:"depends_on"`
	Shm            string                                `yaml:"shm_size"`
	Healthcheck    struct {
		Test              []string
		Interval, Timeout string
		Retries           int
	}
}

func readCompose(t *testing.T, name string) compose {
	t.Helper()
	c := compose{text: example(t, name)}
	d := yaml.NewDecoder(bytes.NewBufferString(c.text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for called, s := range c.Services {
		for other := range s.DependsOn {
			if c.Services[other].Healthcheck.Test == nil {
				t.Errorf("%s: %s waits for the health of %s, which has no check", name, called, other)
			}
		}
		for _, v := range s.Volumes {
			if from, _, _ := strings.Cut(v, ":"); !strings.HasPrefix(from, ".") {
				if _, is := c.Volumes[from]; !is {
					t.Errorf("%s: there is no volume %s", name, from)
				}
			}
		}
	}
	return c
}

var variable = regexp.MustCompile(`\$\{([A-Z_]+)(:\?[^}]*)?\}`)

// told gives the environment of a service, as NAME=VALUE, with what the operator's own has for it, all of which must be used.
func (c compose) told(t *testing.T, name string, own map[string]string) []string {
	t.Helper()
	s := c.Services[name]
	var all []string
	var list []string
	var pairs map[string]string
	used := map[string]bool{}
	value := func(variable string) string {
		v, is := own[variable]
		if !is {
			t.Errorf("%s is asked for, and nothing says that it is needed", variable)
		}
		used[variable] = true
		return v
	}
	switch s.Environment.Kind {
	case yaml.SequenceNode: // what is to come from the operator's
		if err := s.Environment.Decode(&list); err != nil {
			t.Fatal(err)
		}
		for _, one := range list {
			all = append(all, one+"="+value(one))
		}
	case yaml.MappingNode:
		if err := s.Environment.Decode(&pairs); err != nil {
			t.Fatal(err)
		}
		for key, text := range pairs {
			all = append(all, key+"="+variable.ReplaceAllStringFunc(text, func(m string) string { return value(variable.FindStringSubmatch(m)[1]) }))
		}
	}
	if len(used) != len(own) {
		t.Errorf("of %v only %v is used", own, used)
	}
	slices.Sort(all)
	return all
}

var indented = regexp.MustCompile(`(?m)^#   (.*)$`)

// config gives what the file says of config.toml, with an address at which it listens.
func (c compose) config(t *testing.T, address string) string {
	t.Helper()
	_, text, found := strings.Cut(c.text, "n config.toml:\n")
	if !found {
		t.Fatal("the file says nothing of config.toml")
	}
	var lines []string
	for _, m := range indented.FindAllStringSubmatch(text, -1) {
		lines = append(lines, strings.Replace(m[1], "0.0.0.0:9080", address, 1))
	}
	return strings.Join(lines, "\n") + "\n"
}

// isTight makes sure that a container has no more than the program needs, and that others reach only what they should.
func (c compose) isTight(t *testing.T, i image) {
	t.Helper()
	s := c.Services["causeway"]
	if !s.ReadOnly || !slices.Equal(s.Drop, []string{"ALL"}) || !slices.Contains(s.Security, "no-new-privileges:true") {
		t.Errorf("the container may do more than it needs: %+v", s)
	}
	if !slices.Contains(s.Volumes, "causeway:"+i.workdir) || !slices.Contains(s.Volumes, "./config:"+filepath.Dir(i.command[len(i.command)-1])+":ro") {
		t.Errorf("volumes: %v", s.Volumes)
	}
	for _, p := range s.Ports {
		if host, _, err := net.SplitHostPort(strings.TrimSuffix(p, ":9080")); err != nil || host != "127.0.0.1" {
			t.Errorf("the port %s is open to others", p)
		}
	}
	if grace, err := time.ParseDuration(s.Grace); err != nil || grace <= 10*time.Second { // as long as Causeway may take
		t.Errorf("it is killed after %s: %v", s.Grace, err)
	}
}

// TestContainerWithPostgres runs the program as the two compose files together say, with just their environment and config, on a database like the one that
// they make.
func TestContainerWithPostgres(t *testing.T) {
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	database := pgtest.Start(false)
	t.Cleanup(database.Stop)
	database.Exec(database.DSN("any", database.Address()), "CREATE DATABASE causeway")
	base, more := readCompose(t, "docker/compose.yaml"), readCompose(t, "docker/compose.postgres.yaml")
	password := map[string]string{"POSTGRES_PASSWORD": database.Password}
	made := more.told(t, "postgres", password)
	env := append(base.told(t, "causeway", map[string]string{"CAUSEWAY_MATTERMOST_TOKEN": "y", "CAUSEWAY_TEAMS_SECRET": "z"}), more.told(t, "causeway", password)...)
	dsn := "CAUSEWAY_DSN=postgres://causeway:" + database.Password + "@postgres/causeway?sslmode=disable"
	if !slices.Contains(env, dsn) || !slices.Contains(made, "POSTGRES_USER=causeway") || !slices.Contains(made, "POSTGRES_DB=causeway") {
		t.Fatalf("the two are not told the same: %v %v", env, made)
	}
	for i := range env {
		env[i] = strings.Replace(env[i], "@postgres/", "@"+database.Address()+"/", 1)
	}
	_, http, _ := strings.Cut(base.config(t, address), "[http]")
	b := newBox(t, more.config(t, address)+"[http]"+http+channels, env)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	b.serves(ctx, t, address, func() {
		said, err := b.runs(ctx, "/causeway", "status", "-c", b.command[len(b.command)-1]).CombinedOutput()
		if err == nil || !strings.Contains(string(said), "\nACCOUNTS\n") || strings.Contains(string(said), database.Password) { // there is no Mattermost
			t.Errorf("status: %v\n%s", err, said)
		}
	})
	b.holds(t, "causeway.db.key", "causeway.db.key.held")
}
