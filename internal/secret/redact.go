package secret

import (
	"regexp"
	"strings"
	"unicode"
)

// window is how many characters in a row text and token must share for the
// text to be a piece of the token: a message that quotes the first or last
// part of one gives that part away.
const window = 12

// looksLikeToken finds Fly.io's tokens of any kind by their prefix, also those
// that were cut and those that nobody named.
var looksLikeToken = regexp.MustCompile(`\b(?:fm1r|fm1a|fm2|fo1)_[A-Za-z0-9+/=_-]+`)

// Redact returns text with Mask in place of the tokens, of their parts, of any
// 12 or more characters in a row that come from one of them, and of anything
// that looks like a token of Fly.io. A part of fewer than 8 characters stays:
// it would be found in ordinary words, and in Mask.
func Redact(text string, tokens ...Token) string {
	secretBytes := make([]bool, len(text))
	found := false
	mark := func(start, length int) {
		found = true
		for i := start; i < start+length; i++ {
			secretBytes[i] = true
		}
	}
	for _, token := range tokens {
		for _, part := range token.Parts() {
			if len(part) < minPiece {
				continue
			}
			for at := 0; ; {
				i := strings.Index(text[at:], part)
				if i < 0 {
					break
				}
				mark(at+i, len(part))
				at += i + 1
			}
		}
		pieces := map[string]bool{}
		for _, piece := range token.pieces() {
			for i := 0; i+window <= len(piece); i++ {
				pieces[piece[i:i+window]] = true
			}
		}
		for i := 0; len(pieces) > 0 && i+window <= len(text); i++ {
			if pieces[text[i:i+window]] {
				mark(i, window)
			}
		}
	}
	for _, at := range looksLikeToken.FindAllStringIndex(text, -1) {
		mark(at[0], at[1]-at[0])
	}
	if !found {
		return text
	}
	var out strings.Builder
	for i := range len(text) {
		switch {
		case !secretBytes[i]:
			out.WriteByte(text[i])
		case i == 0 || !secretBytes[i-1]:
			out.WriteString(Mask)
		}
	}
	return out.String()
}

// Excerpt makes a text from elsewhere fit for a message: valid, on one line,
// without control and invisible characters, redacted as by Redact, and of at
// most limit characters, of which "…" is one where something was cut.
func Excerpt(text string, limit int, tokens ...Token) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	// Redacted after characters were dropped, which may have hidden a token, and
	// before the cut, which may leave too little of one to be known.
	text = Redact(strings.Join(strings.Fields(text), " "), tokens...)
	if runes := []rune(text); len(runes) > limit {
		text = string(runes[:limit-1]) + "…"
	}
	return text
}
