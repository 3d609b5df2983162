package promapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/prometheus/common/model"
)

// An answer is a decoded result.
type answer struct {
	series   []series
	partial  bool // some storage node of VictoriaMetrics did not answer
	warnings []string
}

// A series is one time series of an answer; a vector has one sample each.
type series struct {
	labels  model.Metric
	samples []sample
}

// A sample is a value at a time. The value may be NaN or infinite.
type sample struct {
	at    time.Time
	value float64
}

// envelope is what every answer comes in. isPartial is VictoriaMetrics' own.
type envelope struct {
	Status    string        `json:"status"`
	Data      *envelopeData `json:"data"`
	ErrorType string        `json:"errorType"`
	Error     string        `json:"error"`
	Message   string        `json:"message"` // of gateways in front
	IsPartial bool          `json:"isPartial"`
	Warnings  []string      `json:"warnings"`
}

type envelopeData struct {
	ResultType string `json:"resultType"`
	Result     []struct {
		Metric model.Metric `json:"metric"`
		Value  *pair        `json:"value"`
		Values []pair       `json:"values"`
	} `json:"result"`
}

// pair is [seconds, "value"]. model.SamplePair would take a pair that lacks
// its value for a 0.
type pair struct {
	at    model.Time
	value model.SampleValue
}

func (p *pair) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	if len(parts) != 2 {
		return errors.New("a sample is not a pair of time and value")
	}
	if err := p.at.UnmarshalJSON(parts[0]); err != nil {
		return err
	}
	return p.value.UnmarshalJSON(parts[1])
}

// decode reads the body of a successful response to q. A kind that is not
// empty says why it is no answer, text says it in words.
func decode(body []byte, q query) (a *answer, kind Kind, text string) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, Truncated, "empty body"
	}
	if isHTML(body) || body[0] != '{' {
		return nil, NotJSON, string(body[:min(len(body), 4*excerptLimit)])
	}
	var env envelope
	if err := json.Unmarshal(body, &env); err != nil {
		if cut(body) {
			return nil, Truncated, ""
		}
		return nil, Malformed, err.Error()
	}
	if env.Status != "success" {
		if env.Error == "" && env.Status != "error" {
			return nil, Malformed, fmt.Sprintf("status %q", env.Status)
		}
		return nil, Failed, env.ErrorType + " " + env.Error
	}
	a = &answer{partial: env.IsPartial, warnings: slices.Clone(env.Warnings)}
	want := "vector"
	if q.step > 0 {
		want = "matrix"
	}
	if env.Data == nil || env.Data.ResultType != want {
		return nil, Malformed, fmt.Sprintf("no result of type %s", want)
	}
	seen := map[model.Fingerprint]bool{}
	for _, r := range env.Data.Result {
		if (q.step == 0) != (r.Value != nil) || (q.step > 0) != (r.Values != nil) {
			return nil, Malformed, "a series without its " + want + " samples"
		}
		fingerprint := r.Metric.Fingerprint()
		if seen[fingerprint] {
			return nil, Malformed, "the same series twice"
		}
		seen[fingerprint] = true
		s := series{labels: r.Metric}
		pairs := r.Values
		if r.Value != nil {
			pairs = []pair{*r.Value}
		}
		for _, p := range pairs {
			if q.step > 0 && !q.onGrid(p.at) {
				return nil, Malformed, "a sample at a time that was not asked for"
			}
			s.samples = append(s.samples, sample{p.at.Time(), float64(p.value)})
		}
		a.series = append(a.series, s)
	}
	return a, "", ""
}

// onGrid tells whether t is one of the times that the range query q asks for.
func (q query) onGrid(t model.Time) bool {
	since := int64(t) - q.start.UnixMilli()
	return since >= 0 && int64(t) <= q.end.UnixMilli() && since%q.step.Milliseconds() == 0
}

// cut tells whether body is the beginning of a JSON value.
func cut(body []byte) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	var v json.RawMessage
	return errors.Is(d.Decode(&v), io.ErrUnexpectedEOF)
}

// envelopeError returns the message of an error envelope; "" when body is none.
func envelopeError(body []byte) string {
	var env envelope
	if json.Unmarshal(body, &env) != nil {
		return ""
	}
	if env.Error != "" {
		return env.Error
	}
	return env.Message
}
