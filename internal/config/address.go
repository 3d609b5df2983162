package config

import (
	"errors"
	"net/url"
	"strings"

	"github.com/fly-placer/fly-placer/internal/endpoint"
)

// parseURL reads the base URL of a service that gets a token. The result has no
// slash at its end.
func parseURL(_ Option, text string) (string, error) {
	u, err := endpoint.Parse(text)
	switch {
	case err == nil:
		return u.String(), nil
	case errors.Is(err, endpoint.ErrUser):
		return "", errors.New("want a URL without user and password; tokens have options of their own")
	case errors.Is(err, endpoint.ErrQuery):
		return "", errors.New("want a URL without query and fragment")
	case errors.Is(err, endpoint.ErrPlainHTTP):
		return "", errors.New("want https: plain http would carry the token in the clear; it is allowed on localhost only")
	case errors.Is(err, endpoint.ErrScheme):
		return "", errors.New("want a URL that begins with https://")
	default:
		return "", errors.New("want a URL such as https://host/path")
	}
}

// takesFlyToken tells whether the metrics at prometheusURL may be asked with
// the token for the Machines API: on api.fly.io, which is the default, and on
// this machine.
func takesFlyToken(prometheusURL string) bool {
	if prometheusURL == "" {
		return true
	}
	u, err := url.Parse(prometheusURL)
	return err == nil && (strings.EqualFold(u.Hostname(), "api.fly.io") || endpoint.Loopback(u.Hostname()))
}
