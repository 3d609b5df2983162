package latency

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
)

// maxRTT is the longest round trip taken for one, in ms. Twice around the
// Earth takes 800; more is another unit.
const maxRTT = 10_000

// ParseMatrix reads measured round-trip times in milliseconds, in one of three
// forms, told apart by their first characters:
//
//	from,to,ms            ,ams,iad,nrt           {"ams": {"iad": 83.1},
//	ams,iad,83.1          ams,,83.1,231           "iad": {"ams": 82.9}}
//	iad,ams,82.9          iad,82.9,,160
//
// The header of a list may be left out; in a square, rows and columns may be in
// any order, and an empty cell is a pair that was not measured. Blank lines and
// lines that begin with # are skipped. An entry counts for the direction that
// it gives, and for the other one if that has none.
//
// The error names the first 100 bad rows with their lines, and how many more
// there are: a malformed code or number, a number below 0 or above 10,000, 0
// between two regions, and two different times for the same direction.
func ParseMatrix(data []byte) (Matrix, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // spreadsheets write it
	r := reader{at: map[pair]entry{}}
	if start := bytes.TrimLeft(data, " \t\r\n"); len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		r.json(data)
	} else {
		r.csv(data)
	}
	if r.problems.None() && len(r.at) == 0 {
		r.problems.Addf("no round-trip time in it")
	}
	if err := r.problems.Err(); err != nil {
		return Matrix{}, hint.Wrap(fmt.Errorf("read latency matrix: %w", err),
			`write CSV lines like "ams,iad,83.1", a square CSV table, or JSON like {"ams": {"iad": 83.1}}`)
	}
	m := Matrix{ms: make(map[pair]float64, len(r.at))}
	for p, e := range r.at {
		m.ms[p] = e.ms
	}
	return m, nil
}

type entry struct {
	ms   float64
	line int
}

type reader struct {
	at       map[pair]entry
	problems hint.Problems
}

func (r *reader) addf(line int, format string, args ...any) {
	r.problems.Addf("line %d: "+format, append([]any{line}, args...)...)
}

// code reads a region code as the other options do, without regard to case.
func code(s string) (region.Code, bool) {
	if len(s) > 100 { // one key may have many entries: it is not looked through for each
		return "", false
	}
	c := region.Code(strings.ToLower(strings.TrimSpace(s)))
	return c, c.Valid()
}

// add takes one entry; number is its text, for messages.
func (r *reader) add(line int, from, to, number string) {
	a, okA := code(from)
	b, okB := code(to)
	for _, end := range []struct {
		text string
		ok   bool
	}{{from, okA}, {to, okB}} {
		if !end.ok {
			r.addf(line, "%q is not a region code: use three letters", hint.Cut(end.text))
		}
	}
	ms, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	switch {
	case err != nil || math.IsNaN(ms) || ms < 0 || ms > maxRTT:
		r.addf(line, "%s to %s: %q is not a time from 0 to %d ms", hint.Cut(from), hint.Cut(to), hint.Cut(number), maxRTT)
		return
	case ms == 0 && okA && okB && a != b:
		r.addf(line, "%s to %s: 0 ms between two regions: leave out what was not measured", a, b)
		return
	case !okA || !okB:
		return
	}
	if before, given := r.at[pair{a, b}]; given && before.ms != ms {
		r.addf(line, "%s to %s: %v ms, but %v ms in line %d", a, b, ms, before.ms, before.line)
		return
	}
	r.at[pair{a, b}] = entry{math.Abs(ms), line} // Abs: "-0" is 0
}

type record struct {
	fields []string
	line   int
}

func (r *reader) csv(data []byte) {
	in := csv.NewReader(bytes.NewReader(data))
	in.FieldsPerRecord = -1
	in.Comment = '#'
	in.TrimLeadingSpace = true
	var records []record
	for {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			r.addf(bad.Line, "%w", bad.Err)
			continue
		}
		if err != nil { // cannot be: the bytes are in memory
			r.problems.Addf("%w", err)
			return
		}
		for i, f := range fields {
			fields[i] = strings.TrimSpace(f)
		}
		line, _ := in.FieldPos(0)
		records = append(records, record{fields, line})
	}
	if len(records) == 0 {
		return
	}
	if squareHeader(records[0].fields) {
		r.square(records)
		return
	}
	if slices.EqualFunc(records[0].fields, []string{"from", "to", "ms"}, strings.EqualFold) {
		records = records[1:]
	}
	for _, rec := range records {
		if len(rec.fields) != 3 {
			r.addf(rec.line, "%d fields in place of from, to, ms", len(rec.fields))
			continue
		}
		r.add(rec.line, rec.fields[0], rec.fields[1], rec.fields[2])
	}
}

// squareHeader tells the header of a square from a line of a list: all its
// fields but the first, which names nothing, are codes. "NaN" and "Inf" have
// the shape of one and are none.
func squareHeader(fields []string) bool {
	for _, f := range fields[1:] {
		_, isNumber := strconv.ParseFloat(f, 64)
		if _, ok := code(f); !ok || isNumber == nil {
			return false
		}
	}
	return len(fields) > 1
}

func (r *reader) square(records []record) {
	columns := records[0].fields[1:]
	seenColumn, seenRow := map[string]bool{}, map[string]int{}
	for _, c := range columns {
		if seenColumn[strings.ToLower(c)] {
			r.addf(records[0].line, "column %s is there twice", hint.Cut(c))
		}
		seenColumn[strings.ToLower(c)] = true
	}
	for _, rec := range records[1:] {
		name := strings.ToLower(rec.fields[0])
		if before := seenRow[name]; before > 0 {
			r.addf(rec.line, "row %s is there already, in line %d", hint.Cut(rec.fields[0]), before)
			continue
		}
		seenRow[name] = rec.line
		if !seenColumn[name] {
			r.addf(rec.line, "row %q has no column of its own: the table is not square", hint.Cut(rec.fields[0]))
		}
		if len(rec.fields) != len(columns)+1 {
			r.addf(rec.line, "row %s has %d cells under %d columns", hint.Cut(rec.fields[0]), len(rec.fields)-1, len(columns))
			continue
		}
		for i, cell := range rec.fields[1:] {
			if cell != "" {
				r.add(rec.line, rec.fields[0], columns[i], cell)
			}
		}
	}
	for _, c := range columns {
		if seenRow[strings.ToLower(c)] == 0 {
			r.addf(records[0].line, "column %s has no row of its own: the table is not square", hint.Cut(c))
		}
	}
}

// json reads the nested objects token by token: that gives the line of every
// entry, and a key given twice isn't lost.
func (r *reader) json(data []byte) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	counted, lines := 0, 1
	line := func() int {
		at := int(dec.InputOffset())
		lines += bytes.Count(data[counted:at], []byte("\n"))
		counted = at
		return lines
	}
	err := members(dec, func(from string) error {
		return members(dec, func(to string) error {
			token, err := dec.Token()
			if err != nil {
				return err
			}
			switch value := token.(type) {
			case json.Number:
				r.add(line(), from, to, value.String())
			case json.Delim:
				return fmt.Errorf("%v in place of the time from %s to %s", value, hint.Cut(from), hint.Cut(to))
			case nil:
				r.addf(line(), "%s to %s: null is not a number", hint.Cut(from), hint.Cut(to))
			default: // a text or a boolean
				text := fmt.Sprintf("%#v", value)
				r.addf(line(), "%s to %s: %s is not a number", hint.Cut(from), hint.Cut(to), hint.Cut(text))
			}
			return nil
		})
	})
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return
		}
		err = errors.New("more after the end of the object")
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	r.addf(line(), "not JSON of the form {\"ams\": {\"iad\": 83.1}}: %w", err)
}

// members reads a JSON object and calls member after each key.
func members(dec *json.Decoder, member func(key string) error) error {
	start, err := dec.Token()
	if err != nil {
		return err
	}
	if start != json.Delim('{') {
		return fmt.Errorf("%s in place of an object", hint.Cut(fmt.Sprint(start)))
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string) // Token lets nothing else be a key
		if err := member(name); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}
