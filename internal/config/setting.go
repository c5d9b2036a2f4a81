package config

import "strings"

// Setting is one row of the table of settings.
type Setting struct {
	Name    string // of the flag, and of the key in the file
	Default string
	Help    string
	Bool    bool
	Secret  bool // never shown
	NoFlag  bool // only from environment or file: command lines can be read by others
}

// Env is the environment variable of a setting.
func (s Setting) Env() string {
	return "BREEZEBLOCK_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// Settings is the table of settings. docs/settings.md is made from it.
func Settings() []Setting {
	return []Setting{
		{Name: "config", Help: "TOML file with settings, by the names of this table"},
		{Name: "data", Default: "breezeblock-data", Help: "folder of the database, the keys and the volumes; made on first start, 0700"},
		{Name: "listen", Default: "127.0.0.1:8776", Help: "address of the API"},
		{Name: "identity-listen", Help: "second address with the identity API at its root, for clients that want an IAM host of its own"},
		{Name: "nbd-listen", Help: "where clients reach the volumes' bytes: unix:PATH or HOST:PORT; empty: a unix socket in a folder of its own in the data folder"},
		{Name: "nbd-client-ca", Help: "file with the authorities whose client certificates the NBD server asks for over TLS"},
		{Name: "dialect", Default: "evs", Help: "evs follows the EVS documents, cinder follows recorded Cinder (docs/compatibility.md)"},
		{Name: "database", Help: "postgres://… to keep the rows in PostgreSQL; empty: SQLite in the data folder", Secret: true},
		{Name: "region", Default: "RegionOne", Help: "name of the region in the catalog"},
		{Name: "tls-cert", Help: "file with the certificate chain, for every TCP listener"},
		{Name: "tls-key", Help: "file with the certificate's private key"},
		{Name: "insecure-http", Default: "false", Help: "allow plain HTTP on addresses off loopback", Bool: true},
		{Name: "public-url", Help: "scheme://host that links and the catalog say; empty: the request's own Host"},
		{Name: "trusted-proxy", Help: "networks (CIDR, separated by commas) whose X-Forwarded-Proto, -Host and -For are believed"},
		{Name: "admin-password", Help: "password of user admin on first start; empty: a random one, in openrc-admin", Secret: true, NoFlag: true},
		{Name: "demo-password", Help: "password of user demo on first start; empty: a random one, in openrc", Secret: true, NoFlag: true},
		{Name: "metrics-token", Help: "bearer token that /metrics asks for; without one it answers on loopback only", Secret: true, NoFlag: true},
		{Name: "unsigned-payload", Default: "false", Help: "take UNSIGNED-PAYLOAD for the hash of a signed request's body", Bool: true},
		{Name: "strict-sizes", Default: "false", Help: "hold disks to the sizes of EVS: data disks have 10 to 32768 GB, system disks (made from an image) 1 to 1024 GB; otherwise all have 1 to 32768 GB", Bool: true},
		{Name: "snapshots-per-volume", Help: "how many snapshots a volume may have, 1 to 256, where no quota has per_volume_snapshots; empty: 7 in dialect evs, 256 in dialect cinder"},
		{Name: "standard-snapshots-per-volume", Default: "256", Help: "the same for snapshots made by the v5 API"},
		{Name: "instant-snapshots-per-volume", Default: "7", Help: "how many of them may have instant access, 1 to 256"},
		{Name: "throttle", Help: "limits on calls for each project: CALL=COUNT/PERIOD or CALL@PROJECT=COUNT/PERIOD, separated by commas; CALL is a name of docs/routes.md or *"},
		{Name: "token-lifetime", Default: "24h", Help: "how long an identity token is valid"},
		{Name: "read-timeout", Default: "30s", Help: "how long a client may take to send a request"},
		{Name: "log-level", Default: "info", Help: "debug, info, warn or error; info writes a line for every request"},
	}
}
