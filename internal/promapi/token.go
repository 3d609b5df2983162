package promapi

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// macaroonPrefixes begin the tokens that Fly.io takes under the scheme FlyV1.
var macaroonPrefixes = []string{"fm1r_", "fm1a_", "fm2_"}

// Scheme returns the Authorization header for a token in any form in which
// people paste it: bare, as flyctl prints it ("FlyV1 fm2_…"), or with a
// "Bearer " in front.
//
// The prefix of the token decides, never where it came from: macaroons (also
// several, joined by commas) go out as "FlyV1 …", anything else as "Bearer …".
// Fly.io answers a macaroon sent as Bearer with 401 "something went wrong
// resolving organization", so a "Bearer " before a macaroon or before "FlyV1 "
// is dropped. White space around the token is dropped too; inside it, or
// characters that no token has, it is an error. No error repeats the token.
func Scheme(token string) (header string, err error) {
	rest, scheme := strings.TrimSpace(token), ""
	for {
		word, tail, found := strings.Cut(rest, " ")
		if !found {
			break
		}
		if strings.EqualFold(word, "FlyV1") {
			scheme = "FlyV1"
		} else if !strings.EqualFold(word, "Bearer") {
			break
		} else if scheme == "" {
			scheme = "Bearer"
		}
		rest = strings.TrimLeft(tail, " ")
	}
	if rest == "" || strings.EqualFold(rest, "FlyV1") || strings.EqualFold(rest, "Bearer") {
		return "", hint.Wrap(errors.New("read metrics token: it is empty"),
			"create one with `fly tokens create readonly ORG` and pass it as metrics-token")
	}
	for _, r := range rest {
		if r <= ' ' || r > '~' {
			return "", hint.Wrap(errors.New("read metrics token: white space or characters inside that no token has"),
				"paste the token again, on one line, without quotes or line breaks")
		}
	}
	if isMacaroon(rest) {
		scheme = "FlyV1"
	} else if scheme == "" {
		scheme = "Bearer"
	}
	return scheme + " " + rest, nil
}

// isMacaroon tells whether any of the comma-separated tokens is a macaroon.
func isMacaroon(tokens string) bool {
	for token := range strings.SplitSeq(tokens, ",") {
		for _, prefix := range macaroonPrefixes {
			if strings.HasPrefix(token, prefix) {
				return true
			}
		}
	}
	return false
}

// redacted is what every rendering of a secret shows.
const redacted = "[redacted]"

// A secret is an Authorization header that no formatting verb, logger or
// encoder shows. It is behind a pointer because fmt prints unexported fields
// without asking their methods.
type secret struct{ text *string }

func newSecret(text string) secret { return secret{&text} }

// header returns what to send; empty when there is no token.
func (s secret) header() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

func (secret) String() string               { return redacted }
func (secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (secret) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(redacted)) }

// scrub removes the token, whole or any of its comma-separated parts, from a
// text that came from outside: a server may echo what it was sent.
func (s secret) scrub(text string) string {
	_, token, _ := strings.Cut(s.header(), " ")
	if token == "" {
		return text
	}
	text = strings.ReplaceAll(text, token, redacted)
	for part := range strings.SplitSeq(token, ",") {
		bare := part
		for _, prefix := range macaroonPrefixes {
			bare = strings.TrimPrefix(bare, prefix)
		}
		for _, form := range []string{part, bare} {
			if len(form) >= 6 {
				text = strings.ReplaceAll(text, form, redacted)
			}
		}
	}
	return text
}
