package main

import "github.com/breezeblock/breezeblock/internal/config"

// settings makes docs/settings.md from config.Settings.
func settings(p *page) error {
	p.title("Settings", "`Settings` in `internal/config/setting.go`", "Order: default, file (`--config`, TOML, the names as keys), environment, flag; the later wins. "+
		"`breezeblock check` prints every setting and where it came from; of secrets only whether they are set.")
	p.heading("breezeblock serve")
	p.head("flag", "environment", "default", "what it does")
	for _, s := range config.Settings() {
		flag := code("--" + s.Name)
		if s.NoFlag {
			flag = "none; in the file " + code(s.Name)
		}
		help := s.Help
		if s.Secret {
			help += " (secret)"
		}
		p.row(flag, code(s.Env()), code(s.Default), help)
	}
	return nil
}
