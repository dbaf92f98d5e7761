package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/sirupsen/logrus"

	"causeway/bridge/secret"
)

const value = "hunter2-of-the-bot"

type settings struct {
	Token  secret.Secret
	Nested struct{ Key *secret.Secret }
	List   []secret.Secret
	Map    map[string]secret.Secret
}

func filled() settings {
	s := secret.Secret(value)
	all := settings{Token: s, List: []secret.Secret{s}, Map: map[string]secret.Secret{"key": s}}
	all.Nested.Key = &s
	return all
}

// shown gives every way in which a value can be made visible, by name.
func shown(t *testing.T, v any) map[string]string {
	t.Helper()
	out := map[string]string{"errorf": fmt.Errorf("doing: %v", v).Error(), "join": errors.Join(fmt.Errorf("%s", v)).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%T %v", "%10.3s", "%c", "%U", "%t"} {
		if strings.Contains(verb, "%T") {
			out[verb] = fmt.Sprintf(verb, v, v)
			continue
		}
		out[verb] = fmt.Sprintf(verb, v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out["json"] = string(text)

	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("text", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("json", "v", v)
	out["slog"] = b.String()

	var l bytes.Buffer
	logger := logrus.New()
	logger.SetOutput(&l)
	logger.WithField("v", v).Info("text")
	logger.SetFormatter(&logrus.JSONFormatter{})
	logger.WithField("v", v).Info("json")
	out["logrus"] = l.String()
	return out
}

func TestSecretIsNeverShown(t *testing.T) {
	for name, v := range map[string]any{"bare": secret.Secret(value), "in a struct": filled(), "list": filled().List} {
		for way, got := range shown(t, v) {
			hex := fmt.Sprintf("%x", value)
			if strings.Contains(got, value) || strings.Contains(strings.ToLower(strings.ReplaceAll(got, " ", "")), hex) || strings.Contains(got, value[:3]) {
				t.Errorf("%s by %s shows the secret: %s", name, way, got)
			}
		}
		if got := fmt.Sprint(v); !strings.Contains(got, secret.Mask) {
			t.Errorf("%s is printed as %q, without %s", name, got, secret.Mask)
		}
	}
}

func TestSecretIsNotWrittenToFiles(t *testing.T) {
	type plain struct{ Token secret.Secret }
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).Encode(plain{value}); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "Token = \"[secret]\"\n"; got != want {
		t.Errorf("TOML is %q, want %q", got, want)
	}
	text, err := xml.Marshal(plain{value})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(text), "<plain><Token>[secret]</Token></plain>"; got != want {
		t.Errorf("XML is %q, want %q", got, want)
	}
}

func TestRevealGivesTheValue(t *testing.T) {
	if got := secret.Secret(value).Reveal(); got != value {
		t.Errorf("Reveal() = %q, want %q", got, value)
	}
}
