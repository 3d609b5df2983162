// Package secret holds tokens so that they cannot be printed by accident, and
// takes them out of text that comes from elsewhere.
package secret

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unique"
)

// Mask is what stands in the place of a token wherever one would be printed.
const Mask = "[redacted]"

// macaroonPrefixes start the tokens that Fly.io calls macaroons; several of
// them, separated by commas, make one token. As in fly-go.
var macaroonPrefixes = []string{"fm1r_", "fm1a_", "fm2_"}

// A Token is a secret. Every way of printing, logging or encoding it gives
// Mask; only Reveal gives the text. Tokens are comparable; the zero Token is
// empty.
type Token struct {
	// A handle and not a string: fmt prints unexported fields of the structs
	// that hold a Token without asking its methods, and a handle prints as an
	// address.
	text unique.Handle[string]
}

// New returns the token that text holds, without the blanks around it.
func New(text string) Token {
	text = strings.TrimSpace(text)
	if text == "" {
		return Token{}
	}
	return Token{text: unique.Make(text)}
}

// Reveal returns the token's text. It belongs in a request to the host that
// the token is for, and nowhere else.
func (t Token) Reveal() string {
	if t.IsZero() {
		return ""
	}
	return t.text.Value()
}

// IsZero tells whether the token is empty.
func (t Token) IsZero() bool { return t == Token{} }

// Equal tells whether two tokens have the same text.
func (t Token) Equal(other Token) bool { return t == other }

// String returns Mask.
func (t Token) String() string { return Mask }

// GoString returns Mask.
func (t Token) GoString() string { return Mask }

// Format writes Mask, whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Mask)) }

// LogValue returns Mask.
func (t Token) LogValue() slog.Value { return slog.StringValue(Mask) }

// MarshalText returns Mask.
func (t Token) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// MarshalJSON returns Mask as a JSON string.
func (t Token) MarshalJSON() ([]byte, error) { return []byte(`"` + Mask + `"`), nil }

// Bare returns the token's text without the scheme, "FlyV1" or "Bearer", that
// people paste along with it. It is as secret as the token.
func (t Token) Bare() string {
	bare, _ := t.bare()
	return bare
}

// bare is Bare, and tells whether FlyV1 was among the schemes.
func (t Token) bare() (text string, flyV1 bool) {
	text = t.Reveal()
	for {
		scheme, rest, _ := strings.Cut(text, " ")
		switch {
		case strings.EqualFold(scheme, "FlyV1"):
			flyV1 = true
		case !strings.EqualFold(scheme, "Bearer"):
			return text, flyV1
		}
		text = strings.TrimSpace(rest)
	}
}

// Authorization returns the header that carries a valid token to Fly.io, as
// secret as the token: "FlyV1 …" for macaroons and for what was pasted with that
// scheme, "Bearer …" for anything else, without blanks around the commas. An
// empty token gives "".
//
// The token decides, never where it came from: a macaroon that is sent as Bearer
// gets 401 "something went wrong resolving organization" from Fly.io's metrics, so
// a "Bearer" that was pasted before one is dropped.
func (t Token) Authorization() string {
	_, flyV1 := t.bare()
	switch {
	case t.IsZero():
		return ""
	case flyV1 || t.Macaroon():
		return "FlyV1 " + strings.Join(t.pieces(), ",")
	default:
		return "Bearer " + strings.Join(t.pieces(), ",")
	}
}

// Macaroon tells whether the token is one of Fly.io's macaroons, or a list
// with one in it.
func (t Token) Macaroon() bool {
	return slices.ContainsFunc(t.pieces(), func(piece string) bool {
		return trimPrefix(piece) != piece
	})
}

// Validate tells why the token cannot be one, in words that do not repeat it.
func (t Token) Validate() error {
	bare := t.Bare()
	switch {
	case t.IsZero():
		return errors.New("the token is empty")
	case bare == "":
		return errors.New("the token is only a scheme, without the token itself")
	case strings.ContainsFunc(bare, func(r rune) bool { return r < '!' && r != ' ' || r > '~' }):
		return errors.New("the token has line breaks or characters that no token has")
	}
	for piece := range strings.SplitSeq(bare, ",") {
		piece = strings.TrimSpace(piece)
		switch {
		case piece == "" || trimPrefix(piece) == "":
			return errors.New("the token has an empty part between its commas")
		case strings.Contains(piece, " "):
			return errors.New("the token has a blank inside")
		}
	}
	return nil
}

// Parts returns every text that gives the token away, longest first, each
// once: all of it, without its scheme, each of its comma-separated pieces, and
// each piece without its prefix when that leaves 8 characters or more.
func (t Token) Parts() []string {
	if t.IsZero() {
		return nil
	}
	parts := []string{t.Reveal(), t.Bare()}
	for _, piece := range t.pieces() {
		rest := trimPrefix(piece)
		if rest != piece || len(piece) >= minPiece {
			parts = append(parts, piece)
		}
		if len(rest) >= minPiece {
			parts = append(parts, rest)
		}
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	slices.SortFunc(parts, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	return slices.Compact(parts)
}

// minPiece is the length below which a piece is too short to be looked for
// inside other text: it would be found in ordinary words.
const minPiece = 8

// pieces returns the comma-separated pieces of the token without its scheme.
func (t Token) pieces() []string {
	var pieces []string
	for piece := range strings.SplitSeq(t.Bare(), ",") {
		if piece = strings.TrimSpace(piece); piece != "" {
			pieces = append(pieces, piece)
		}
	}
	return pieces
}

// trimPrefix returns a macaroon without its prefix, anything else as it is.
func trimPrefix(piece string) string {
	for _, prefix := range macaroonPrefixes {
		if rest, ok := strings.CutPrefix(piece, prefix); ok {
			return rest
		}
	}
	return piece
}
