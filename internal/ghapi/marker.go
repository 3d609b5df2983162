package ghapi

import (
	"fmt"
	"strings"
)

// marker is the first line of every comment that Fly Placer writes: hidden in the
// rendered comment, and the same for ever for the same key.
func marker(key string) string { return markerBegin + encodeKey(key) + markerEnd }

const markerBegin, markerEnd = "<!-- fly-placer:v1 key=", " -->"

// encodeKey percent-encodes a key so that it cannot end the HTML comment that it
// stands in: no ">", no "--", no blank. Letters, digits, dots, underscores,
// slashes and single hyphens stay readable. Different keys stay different.
func encodeKey(key string) string {
	var b strings.Builder
	hyphen := false // the last character written is one
	for _, c := range []byte(key) {
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._/", c) >= 0
		if c == '-' && !hyphen && b.Len() > 0 {
			b.WriteByte(c)
			hyphen = true
			continue
		}
		hyphen = false
		if plain {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// hasMarker tells whether the first line of a comment is the marker of key, or of
// any key when that is "".
func hasMarker(body, key string) bool {
	first, _, _ := strings.Cut(body, "\n")
	first = strings.TrimRight(first, " \t\r")
	if key == "" {
		return strings.HasPrefix(first, markerBegin) && strings.HasSuffix(first, markerEnd)
	}
	return first == marker(key)
}

// sameBody compares what GitHub hands back with what was sent: it may change line
// ends and drop blanks at the end.
func sameBody(a, b string) bool { return canonical(a) == canonical(b) }

func canonical(s string) string {
	return strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), " \t\r\n")
}
