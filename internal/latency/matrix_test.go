package latency_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/region"
)

func TestParseMatrixReadsItsThreeForms(t *testing.T) {
	type entry struct {
		from, to region.Code
		ms       float64
	}
	for _, tc := range []struct {
		name, in string
		len      int
		want     []entry
	}{
		{"list with a header", "from,to,ms\nams,iad,83.1\niad,ams,82.9\n", 2, []entry{{"ams", "iad", 83.1}, {"iad", "ams", 82.9}}},
		{"list without a header, one direction", "ams,iad,83.1", 1, []entry{{"ams", "iad", 83.1}, {"iad", "ams", 83.1}}},
		{"comments, blank lines, space, case, CRLF", "# mtr, 2026-11-20\r\n\r\n AMS , iad , 83.1 \r\n", 1, []entry{{"ams", "iad", 83.1}}},
		{"a byte order mark", "\ufefffrom,to,ms\nams,iad,83.1\n", 1, []entry{{"ams", "iad", 83.1}}},
		{"the same entry twice", "ams,iad,83.1\nams,iad,83.10\n", 1, []entry{{"ams", "iad", 83.1}}},
		{"square", ",ams,iad,nrt\nams,0,83.1,231\niad,82.9,,160\nnrt,,160,0.3\n", 7, []entry{
			{"ams", "ams", 0}, {"ams", "iad", 83.1}, {"iad", "ams", 82.9}, {"nrt", "ams", 231}, {"nrt", "nrt", 0.3},
		}},
		{"square of two", "rtt,iad,ams\nams,83.1,\niad,,82.9\n", 2, []entry{{"ams", "iad", 83.1}, {"iad", "ams", 82.9}}},
		{"JSON", ` {"ams": {"iad": 83.1, "nrt": 231}, "iad": {"ams": 82.9}}`, 3, []entry{{"ams", "iad", 83.1}, {"iad", "ams", 82.9}, {"nrt", "ams", 231}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, err := latency.ParseMatrix([]byte(tc.in))
			if err != nil {
				t.Fatal(err)
			}
			if m.Len() != tc.len {
				t.Errorf("Len() = %d, want %d", m.Len(), tc.len)
			}
			for _, e := range tc.want {
				if ms, ok := m.RTT(e.from, e.to); !ok || ms != e.ms {
					t.Errorf("RTT(%s, %s) = %v, %v; want %v", e.from, e.to, ms, ok, e.ms)
				}
			}
		})
	}
}

func TestParseMatrixReportsEveryBadRow(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{
			"list", "from,to,ms\nams,iad,-1\nams,london,5\nams,fra\nams,fra,NaN\nams,fra,Inf\nams,fra,1e9\nams,fra,8\n\nams,fra,9\nlhr,cdg,0\nx,,y\n",
			`line 2: ams to iad: "-1" is not a time from 0 to 10000 ms
line 3: "london" is not a region code: use three letters
line 4: 2 fields in place of from, to, ms
line 5: ams to fra: "NaN" is not a time from 0 to 10000 ms
line 6: ams to fra: "Inf" is not a time from 0 to 10000 ms
line 7: ams to fra: "1e9" is not a time from 0 to 10000 ms
line 10: ams to fra: 9 ms, but 8 ms in line 8
line 11: lhr to cdg: 0 ms between two regions: leave out what was not measured
line 12: "x" is not a region code: use three letters
line 12: "" is not a region code: use three letters
line 12: x to : "y" is not a time from 0 to 10000 ms`,
		},
		{
			"square", ",ams,iad,ams\nams,,x,\nfra,1,2,3\nams,1,2,3\n",
			`line 1: column ams is there twice
line 2: ams to iad: "x" is not a time from 0 to 10000 ms
line 3: row "fra" has no column of its own: the table is not square
line 3: fra to ams: 3 ms, but 1 ms in line 3
line 4: row ams is there already, in line 2
line 1: column iad has no row of its own: the table is not square`,
		},
		{"short row", ",ams,iad\nams,,1\niad,2\n", `line 3: row iad has 1 cells under 2 columns`},
		{"quotes", "ams,iad,1\nams,\"fra,2\n", `line 2: extraneous or missing " in quoted-field`},
		{
			"JSON", "{\"ams\": {\"iad\": \"83\",\n \"iad\": null,\n \"fra\": 7,\n \"fra\": 8, \"Paris\": 9}}",
			`line 1: ams to iad: "83" is not a number
line 2: ams to iad: null is not a number
line 4: ams to fra: 8 ms, but 7 ms in line 3
line 4: "Paris" is not a region code: use three letters`,
		},
		{"JSON cut short", "{\"ams\":\n {\"iad\": 83.1", `line 2: not JSON of the form {"ams": {"iad": 83.1}}: unexpected EOF`},
		{"flat JSON", `{"ams": 3}`, `line 1: not JSON of the form {"ams": {"iad": 83.1}}: 3 in place of an object`},
		{"deep JSON", `{"ams": {"iad": {"fra": 3}}}`, `line 1: not JSON of the form {"ams": {"iad": 83.1}}: { in place of the time from ams to iad`},
		{"two objects", `{"ams": {"iad": 3}} {}`, `line 1: not JSON of the form {"ams": {"iad": 83.1}}: more after the end of the object`},
		{"a JSON list", `[["ams", "iad", 3]]`, `line 1: not JSON of the form {"ams": {"iad": 83.1}}: [ in place of an object`},
		{"NaN in the first line", "ams,iad,NaN", `line 1: ams to iad: "NaN" is not a time from 0 to 10000 ms`},
		{"empty file", "\n", "no round-trip time in it"},
		{"header alone", "from,to,ms\n", "no round-trip time in it"},
		{"empty object", "{}", "no round-trip time in it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, err := latency.ParseMatrix([]byte(tc.in))
			if err == nil || err.Error() != "read latency matrix: "+tc.want {
				t.Errorf("error:\n%v\nwant:\nread latency matrix: %s", err, tc.want)
			}
			if m.Len() != 0 {
				t.Errorf("%d entries beside an error", m.Len())
			}
			if h := hint.Of(err); len(h) != 1 || !strings.Contains(h[0], "ams,iad,83.1") {
				t.Errorf("hints %q do not show the form", h)
			}
		})
	}
}

// Whatever is put in the place of a matrix, the answer comes soon and is short.
// The large ones take far longer when each entry looks at what is before it.
func TestParseMatrixRefusesFilesOfAnotherKindSoon(t *testing.T) {
	const size, small = 4 << 20, 256 << 10
	fill := func(size int, s string) string { return strings.Repeat(s, size/len(s)) }
	long := strings.Repeat("x", size/2)
	for name, in := range map[string]string{
		"lines of a list":          fill(size, "ams,iad,-1\n"),
		"other lines":              fill(small, "2026-11-20 12:00:00 \"GET /\" 200\n"),
		"quotes":                   fill(small, "\"\n\""),
		"one line":                 fill(small, "x"),
		"a square of unknown rows": ",ams,iad\n" + fill(small, "q,1,2\n"),
		"a long row":               ",ams," + long + "\n" + strings.Repeat("ams,1,x\n", small/16),
		"JSON entries":             "{\"ams\": {" + fill(small, "\"Iad\": \"x\",\n"),
		"JSON entries that fit":    "{\"ams\": {" + fill(size, "\"iad\":1,"),
		"entries of a long key":    "{\"" + long + "\": {" + strings.Repeat("\"iad\": -1,", size/20),
		"a long text":              "{\"ams\": {\"iad\": \"" + long + "\"}}",
		"a long number":            "{\"ams\": {\"iad\": " + strings.Repeat("1", small/2) + "}}",
		"lists in lists":           fill(small, "["),
		"objects in objects":       fill(small, "{\"ams\":"),
		"spaces in a key":          "{\"" + strings.Repeat(" ", small/2) + "\": {" + strings.Repeat("\"iad\": -1,", small/20),
		"zero bytes":               fill(small, "\x00"),
		"zero bytes after a brace": "{" + fill(small, "\x00"),
	} {
		start := time.Now()
		_, err := latency.ParseMatrix([]byte(in))
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if err == nil || len(err.Error()) > 40<<10 {
			t.Errorf("%s: want a short error, not %.300v", name, err)
		}
	}
}

func TestParseMatrixCountsTheProblemsBeyondAHundred(t *testing.T) {
	_, err := latency.ParseMatrix([]byte(strings.Repeat("ams,iad,-1\n", 1100)))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 101 || !strings.HasPrefix(lines[99], "line 100: ") || lines[100] != "and 1000 more" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func FuzzParseMatrix(f *testing.F) {
	for _, s := range []string{
		"from,to,ms\nams,iad,83.1\n", ",ams,iad\nams,,83.1\niad,82.9,\n", `{"ams": {"iad": 83.1}}`,
		"\ufeff# x\nams,iad,-0", "ams,\"iad\n", `{"ams": {"iad": 1}, "ams": {"iad": 2}}`, "{\"\xff\":{}}",
	} {
		f.Add([]byte(s))
	}
	codes := []region.Code{"ams", "iad", "fra"}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := latency.ParseMatrix(data)
		if (err == nil) != (m.Len() > 0) {
			t.Fatalf("%d entries and error %v: want entries or an error", m.Len(), err)
		}
		for _, a := range codes {
			for _, b := range codes {
				if ms, ok := m.RTT(a, b); ok && (math.IsNaN(ms) || ms < 0 || math.Signbit(ms) || ms > 10_000 || ms == 0 && a != b) {
					t.Fatalf("RTT(%s, %s) = %v", a, b, ms)
				}
			}
		}
	})
}
