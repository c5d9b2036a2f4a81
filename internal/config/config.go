package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Config is every setting, checked.
type Config struct {
	Data           string
	Listen         string
	IdentityListen string
	NBDListen      string // unix:PATH, host:port, or empty: a socket in Data
	NBDClientCA    string
	Dialect        string
	Database       string
	Region         string
	TLSCert        string
	TLSKey         string
	InsecureHTTP   bool
	PublicURL      string
	TrustedProxies []netip.Prefix
	AdminPassword  string
	DemoPassword   string
	MetricsToken   string
	UnsignedBodies bool
	StrictSizes    bool

	SnapshotsPerVolume         int // 0: the dialect's
	StandardSnapshotsPerVolume int
	InstantSnapshotsPerVolume  int

	Throttle      []Limit
	TokenLifetime time.Duration
	ReadTimeout   time.Duration
	LogLevel      slog.Level

	// Values are the settings as text, in the order of Settings.
	Values []Value
}

// Value is one setting as it was found.
type Value struct {
	Setting
	Text   string
	Origin string // default, file, environment, flag
}

// Sources are where settings come from, the defaults apart.
type Sources struct {
	Flag func(name string) (string, bool)
	Env  func(name string) (string, bool)
}

// Load reads and checks every setting. Its error names the setting.
func Load(from Sources) (*Config, error) {
	values := map[string]Value{}
	for _, s := range Settings() {
		values[s.Name] = Value{Setting: s, Text: s.Default, Origin: "default"}
	}
	path := lookUp(from, values["config"]).Text
	if path != "" {
		if err := readFile(path, values); err != nil {
			return nil, err
		}
	}
	c := &Config{}
	for _, s := range Settings() {
		v := lookUp(from, values[s.Name])
		values[s.Name] = v
		c.Values = append(c.Values, v)
	}
	return c, c.parse(func(name string) string { return strings.TrimSpace(values[name].Text) })
}

// lookUp lets environment and flag go over what is there.
func lookUp(from Sources, v Value) Value {
	if text, given := from.Env(v.Env()); given {
		v.Text, v.Origin = text, "environment"
	}
	if text, given := from.Flag(v.Name); given && !v.NoFlag {
		v.Text, v.Origin = text, "flag"
	}
	return v
}

// readFile takes the settings of a TOML file; an unknown key is an error.
func readFile(path string, values map[string]Value) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("setting config: %w", err)
	}
	keys := map[string]any{}
	if err := toml.Unmarshal(text, &keys); err != nil {
		return fmt.Errorf("setting config: %s: %w", path, err)
	}
	for key, given := range keys {
		v, known := values[key]
		if !known || key == "config" {
			return fmt.Errorf("setting config: %s: there is no setting %q", path, key)
		}
		v.Origin = "file " + path
		switch given := given.(type) {
		case string:
			v.Text = given
		case bool:
			v.Text = strconv.FormatBool(given)
		case int64:
			v.Text = strconv.FormatInt(given, 10)
		case []any:
			v.Text = strings.Trim(strings.Join(strings.Fields(fmt.Sprint(given)), ","), "[]")
		default:
			return fmt.Errorf("setting %s: %s: it must be a string, a whole number, a boolean or a list of strings", key, path)
		}
		values[key] = v
	}
	return nil
}

func (c *Config) parse(text func(string) string) error {
	c.Data, c.Listen, c.IdentityListen = text("data"), text("listen"), text("identity-listen")
	c.NBDListen, c.NBDClientCA = text("nbd-listen"), text("nbd-client-ca")
	c.Dialect, c.Database, c.Region = text("dialect"), text("database"), text("region")
	c.TLSCert, c.TLSKey, c.PublicURL = text("tls-cert"), text("tls-key"), strings.TrimSuffix(text("public-url"), "/")
	c.AdminPassword, c.DemoPassword, c.MetricsToken = text("admin-password"), text("demo-password"), text("metrics-token")
	var failed []error
	note := func(name string, err error) {
		if err != nil {
			failed = append(failed, fmt.Errorf("setting %s: %w", name, err))
		}
	}
	var err error
	c.InsecureHTTP, err = strconv.ParseBool(text("insecure-http"))
	note("insecure-http", err)
	c.UnsignedBodies, err = strconv.ParseBool(text("unsigned-payload"))
	note("unsigned-payload", err)
	c.StrictSizes, err = strconv.ParseBool(text("strict-sizes"))
	note("strict-sizes", err)
	if given := text("snapshots-per-volume"); given != "" {
		c.SnapshotsPerVolume, err = whole(given, 1, maxSnapshotsPerVolume)
		note("snapshots-per-volume", err)
	}
	c.StandardSnapshotsPerVolume, err = whole(text("standard-snapshots-per-volume"), 1, maxSnapshotsPerVolume)
	note("standard-snapshots-per-volume", err)
	c.InstantSnapshotsPerVolume, err = whole(text("instant-snapshots-per-volume"), 1, maxSnapshotsPerVolume)
	note("instant-snapshots-per-volume", err)
	c.Throttle, err = limits(text("throttle"))
	note("throttle", err)
	c.TokenLifetime, err = duration(text("token-lifetime"), time.Minute, 30*24*time.Hour)
	note("token-lifetime", err)
	c.ReadTimeout, err = duration(text("read-timeout"), 100*time.Millisecond, time.Hour)
	note("read-timeout", err)
	note("log-level", c.LogLevel.UnmarshalText([]byte(text("log-level"))))
	c.TrustedProxies, err = prefixes(text("trusted-proxy"))
	note("trusted-proxy", err)
	note("public-url", checkURL(c.PublicURL))
	if c.Data == "" {
		note("data", errors.New("it must name a folder"))
	}
	if !slices.Contains([]string{"evs", "cinder"}, c.Dialect) {
		note("dialect", fmt.Errorf("it must be evs or cinder, not %q", c.Dialect))
	}
	if c.Region == "" || len(c.Region) > 255 {
		note("region", errors.New("it must have 1 to 255 bytes"))
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		note("tls-cert", errors.New("tls-cert and tls-key come together"))
	}
	if c.Database != "" && !strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://") {
		note("database", errors.New("it must be a postgres:// address, or empty for SQLite in the data folder"))
	}
	note("listen", c.checkListen(c.Listen, true))
	note("identity-listen", c.checkListen(c.IdentityListen, false))
	note("nbd-listen", c.checkNBD())
	if c.NBDClientCA != "" && c.TLSCert == "" {
		note("nbd-client-ca", errors.New("it needs tls-cert and tls-key"))
	}
	return errors.Join(failed...)
}

// checkListen refuses plain HTTP off loopback unless it was asked for.
func (c *Config) checkListen(address string, needed bool) error {
	if address == "" && !needed {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("it must be host:port: %w", err)
	}
	if c.TLSCert == "" && !c.InsecureHTTP && !IsLoopback(host) {
		return fmt.Errorf("%s is not loopback: give tls-cert and tls-key, or insecure-http", address)
	}
	return nil
}

// IsLoopback tells whether a host of an address to listen on is this machine alone.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// maxSnapshotsPerVolume is what an engine's chain can have: block.MaxSnapshotsPerVolume.
const maxSnapshotsPerVolume = 256

func whole(text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("it must be a whole number from %d to %d, not %.64q", least, most, text)
	}
	return n, nil
}

func duration(text string, least, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err == nil && (d < least || d > most) {
		err = fmt.Errorf("it must be from %s to %s, not %s", least, most, d)
	}
	return d, err
}

func prefixes(text string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			return nil, err
		}
		list = append(list, prefix)
	}
	return list, nil
}

func checkURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || *u != (url.URL{Scheme: u.Scheme, Host: u.Host}) {
		return errors.New("it must be scheme://host or scheme://host:port, and nothing more") // a password may be in it
	}
	return nil
}
