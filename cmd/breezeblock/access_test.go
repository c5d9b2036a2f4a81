package main

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/breezeblock/breezeblock/internal/testserver"
)

func TestAccessKeysAreMadeFromTheShell(t *testing.T) {
	s := testserver.New(t)
	t.Setenv("OS_AUTH_URL", s.IdentityURL)
	t.Setenv("OS_USERNAME", "demo")
	t.Setenv("OS_PASSWORD", s.DemoPassword)
	t.Setenv("OS_PROJECT_NAME", "demo")
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		c := root()
		c.SetOut(&out)
		c.SetArgs(append([]string{"keys", "access", "create"}, args...))
		err := c.ExecuteContext(t.Context())
		return out.String(), err
	}
	for _, args := range [][]string{{"--description", "mine"}, {"demo"}} {
		out, err := run(args...)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^export HUAWEICLOUD_SDK_AK=[A-Z2-7]{24}\nexport HUAWEICLOUD_SDK_SK=[\w-]{40}\n$`).MatchString(out) {
			t.Errorf("it prints %q", out)
		}
	}
	for name, args := range map[string][]string{"a third key": nil, "another's key": {"admin"}, "two users": {"demo", "admin"}} {
		if out, err := run(args...); err == nil || out != "" {
			t.Errorf("%s: %q, %v; want an error", name, out, err)
		}
	}
	t.Setenv("OS_PASSWORD", "wrong")
	if _, err := run(); err == nil {
		t.Error("a wrong password makes a key")
	}
}
