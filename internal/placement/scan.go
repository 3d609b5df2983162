package placement

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// A scanner walks over JSON that is known to be well formed, and collects what
// is not of the kind that is asked for, with its path. encoding/json would stop
// at the first such value, take a field that is given twice, and match names
// whatever their case.
type scanner struct {
	checker
	data []byte
	at   int
	path []step
}

// A step of a path is a key or, where that is nil, an index.
type step struct {
	key   *string
	index int
}

// where writes the path as "candidates[3].machine_cost".
func (s *scanner) where() string {
	var b strings.Builder
	for _, p := range s.path {
		switch {
		case p.key == nil:
			fmt.Fprintf(&b, "[%d]", p.index)
		case !plainKey(*p.key):
			fmt.Fprintf(&b, "[%s]", quote(*p.key))
		case b.Len() == 0:
			b.WriteString(*p.key)
		default:
			b.WriteString("." + *p.key)
		}
	}
	if b.Len() == 0 {
		return "the file"
	}
	return b.String()
}

// plainKey tells whether a key can be read without quotes.
func plainKey(key string) bool {
	return key != "" && len(key) <= 60 && strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

// quote writes a text on one line, cut when it is long.
func quote(text string) string {
	const most = 60
	if letters := []rune(text); len(letters) > most {
		text = string(letters[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

// next passes over white space and returns the byte that begins the next token.
func (s *scanner) next() byte {
	for {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return s.data[s.at]
		}
	}
}

// text reads the string at s.at.
func (s *scanner) text() string {
	begin := s.at
	escaped := false
	for s.at++; s.data[s.at] != '"'; s.at++ {
		if s.data[s.at] == '\\' {
			escaped = true
			s.at++
		}
	}
	s.at++
	if !escaped {
		return string(s.data[begin+1 : s.at-1])
	}
	var v string
	if err := json.Unmarshal(s.data[begin:s.at], &v); err != nil {
		s.add("%s: %w", s.where(), err)
	}
	return v
}

// literal reads the number, true, false or null at s.at.
func (s *scanner) literal() string {
	begin := s.at
	for ; s.at < len(s.data); s.at++ {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r', ',', ']', '}':
			return string(s.data[begin:s.at])
		}
	}
	return string(s.data[begin:])
}

// skip passes over a value of any kind.
func (s *scanner) skip() {
	for depth := 0; ; {
		switch s.next() {
		case '{', '[':
			depth++
			s.at++
		case '}', ']':
			depth--
			s.at++
		case ',', ':':
			s.at++
			continue
		case '"':
			s.text()
		default:
			s.literal()
		}
		if depth == 0 {
			return
		}
	}
}

// unlike reports a value that is not what it must be, and passes over it.
func (s *scanner) unlike(want string) {
	is := "a number"
	switch s.next() {
	case '{':
		is = "an object"
	case '[':
		is = "a list"
	case '"':
		is = "a string"
	case 't', 'f':
		is = s.literal()
		s.at -= len(is)
	case 'n':
		is, want = "null", want+", or absent"
	}
	s.add("%s is %s; it must be %s", s.where(), is, want)
	s.skip()
}

// object reads an object whose fields are read by the functions of fields, in
// the order of names for who meant one of them. It returns the keys it has.
func (s *scanner) object(names []string, fields map[string]func()) map[string]bool {
	return s.entries(func(key string) {
		if read, known := fields[key]; known {
			read()
			return
		}
		mean := ""
		if name, near := hint.Nearest(key, names); near {
			mean = "; did you mean " + name + "?"
		}
		s.add("%s is an unknown field%s", s.where(), mean)
		s.skip()
	})
}

// entries reads an object with any keys, each once.
func (s *scanner) entries(read func(key string)) map[string]bool {
	seen := map[string]bool{}
	if s.next() != '{' {
		s.unlike("an object")
		return seen
	}
	for s.at++; s.next() != '}'; {
		if s.data[s.at] == ',' {
			s.at++
			s.next()
		}
		key := s.text()
		s.next()
		s.at++ // the colon
		s.path = append(s.path, step{key: &key})
		if seen[key] {
			s.add("%s is given twice", s.where())
			s.skip()
		} else {
			seen[key] = true
			read(key)
		}
		s.path = s.path[:len(s.path)-1]
	}
	s.at++
	return seen
}

// list reads a list, each of its values by read.
func (s *scanner) list(want string, read func()) {
	if s.next() != '[' {
		s.unlike(want)
		s.shapes = false
		return
	}
	s.path = append(s.path, step{})
	for s.at++; s.next() != ']'; s.path[len(s.path)-1].index++ {
		if s.data[s.at] == ',' {
			s.at++
		}
		read()
	}
	s.path = s.path[:len(s.path)-1]
	s.at++
}
