package config

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// parseURL reads the base URL of a service that gets a token: https, or http
// on this machine only. The result has no slash at its end.
func parseURL(_ Option, text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "" || u.Hostname() == "":
		return "", errors.New("want a URL such as https://host/path")
	case u.User != nil:
		return "", errors.New("want a URL without user and password; tokens have options of their own")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#"):
		return "", errors.New("want a URL without query and fragment")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", errors.New("want https: plain http would carry the token in the clear; it is allowed on localhost only")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("want a URL that begins with https://")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// loopback tells whether host is this machine, without asking any resolver.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// takesFlyToken tells whether the metrics at prometheusURL may be asked with
// the token for the Machines API: on api.fly.io, which is the default, and on
// this machine.
func takesFlyToken(prometheusURL string) bool {
	if prometheusURL == "" {
		return true
	}
	u, err := url.Parse(prometheusURL)
	return err == nil && (strings.EqualFold(u.Hostname(), "api.fly.io") || loopback(u.Hostname()))
}
