// Package config reads the settings: default, TOML file, environment, flag, the
// later over the earlier, into one Config, and remembers where each came from.
//
// All settings stand in one table, setting.go; docs/settings.md, the flags and
// `breezeblock check` are made from it. It opens nothing and starts nothing.
//
// Begin with setting.go. Keeps rule 9 of ARCHITECTURE.md.
package config
