package promsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Effect is how an answer goes wrong.
type Effect string

// The effects. Those up to Hang come instead of an answer, the others spoil
// it.
const (
	Status    Effect = "status"     // the status Code, with Body and RetryAfter
	HTML      Effect = "html"       // an HTML page under status 200
	Truncate  Effect = "truncate"   // half of an answer, then the connection drops
	Reset     Effect = "reset"      // the connection drops before an answer
	Hang      Effect = "hang"       // nothing for Delay, or until the client goes
	Cut       Effect = "cut"        // half of an answer, properly ended
	Partial   Effect = "partial"    // isPartial: true
	Warn      Effect = "warn"       // a warning, Body
	NaN       Effect = "nan"        // every value is NaN
	Inf       Effect = "inf"        // every value is +Inf
	Lag       Effect = "lag"        // samples of the last Delay are not there yet
	WrongType Effect = "wrong type" // a vector for a matrix and the other way round
	Lie       Effect = "lie"        // an error envelope under status 200, with Body
	Redirect  Effect = "redirect"   // 307 to Body
)

// A Fault makes some requests go wrong. It stops by itself: after Times
// requests it is spent.
type Fault struct {
	Effect Effect
	Kind   Kind // of queries that it hits; empty: all
	Skip   int  // let that many pass first
	Times  int  // hit that many (0: one)

	Code       int    // for Status
	Body       string // for Status, Warn, Lie, Redirect
	RetryAfter string // header, for Status; empty: none
	Delay      time.Duration
}

// Fail adds a fault. The first one that applies to a request hits it.
func (s *Server) Fail(f Fault) {
	f.Times = max(f.Times, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// pickFault returns the fault that hits a request of this kind, or nil.
func (s *Server) pickFault(kind Kind) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		switch {
		case f.Times == 0 || f.Kind != "" && f.Kind != kind:
		case f.Skip > 0:
			f.Skip--
		default:
			f.Times--
			hit := *f
			return &hit
		}
	}
	return nil
}

// instead answers in place of the server, if the fault is of that sort.
func (f *Fault) instead(w http.ResponseWriter, r *http.Request) bool {
	switch f.Effect {
	case Status:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		w.WriteHeader(f.Code)
		_, _ = w.Write([]byte(f.Body))
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("\n<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>"))
	case Truncate:
		_, _ = w.Write([]byte(`{"status":"success","data":{"resultType":"vec`))
		_ = http.NewResponseController(w).Flush()
	case Reset:
	case Hang:
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-r.Context().Done():
		case <-timer.C:
		}
		fail(w, http.StatusServiceUnavailable, "timeout exceeded")
	case Lie:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"status":"error","errorType":"503","error":%s}`, quoteJSON(f.Body))
	case Redirect:
		w.Header().Set("Location", f.Body)
		w.WriteHeader(http.StatusTemporaryRedirect)
	default:
		return false
	}
	return true
}

// spoil changes a good answer.
func (f *Fault) spoil(rows []row, g grid, body []byte) []byte {
	all := func(v float64) []byte {
		spoilt := make([]row, len(rows))
		for i, r := range rows {
			spoilt[i] = row{r.labels, slices.Repeat([]float64{v}, len(r.values))}
		}
		return encode(spoilt, g)
	}
	replace := func(old, new string) []byte { return []byte(strings.Replace(string(body), old, new, 1)) }
	switch f.Effect {
	case Cut:
		return body[:len(body)/2]
	case Partial:
		return replace(`"isPartial":false`, `"isPartial":true`)
	case Warn:
		return replace(`"isPartial":false`, `"isPartial":false,"warnings":[`+string(quoteJSON(f.Body))+`]`)
	case NaN:
		return all(math.NaN())
	case Inf:
		return all(math.Inf(1))
	case WrongType:
		g.instant = !g.instant
		for i := range rows {
			rows[i].values = rows[i].values[:1]
		}
		return encode(rows, g)
	default: // Lag has spoilt the answer already, the others come instead of one
		return body
	}
}

// quoteJSON writes text as a JSON string.
func quoteJSON(text string) []byte {
	b, err := json.Marshal(text)
	if err != nil {
		return []byte(strconv.Quote(text))
	}
	return b
}

// quoteLabels writes labels as a JSON object, sorted.
func quoteLabels(labels map[string]string) []byte {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(labels)) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s:%s", quoteJSON(name), quoteJSON(labels[name]))
	}
	return []byte("{" + b.String() + "}")
}
