package config

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// NBDAddress is the network and address of nbd-listen; an empty address over unix
// is the socket in the data folder.
func (c *Config) NBDAddress() (network, address string) {
	if path, is := strings.CutPrefix(c.NBDListen, "unix:"); is || c.NBDListen == "" {
		return "unix", path
	}
	return "tcp", c.NBDListen
}

// checkNBD refuses bytes in plain text over TCP, also on loopback, unless it was
// asked for: the name of an export opens it, and would go over the wire.
func (c *Config) checkNBD() error {
	network, address := c.NBDAddress()
	if network == "unix" {
		if c.NBDListen != "" && address == "" {
			return errors.New("it must be unix:PATH or host:port")
		}
		return nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("it must be unix:PATH or host:port: %w", err)
	}
	if c.TLSCert == "" && !c.InsecureHTTP {
		return fmt.Errorf("%s is TCP: give tls-cert and tls-key, or insecure-http", address)
	}
	return nil
}
