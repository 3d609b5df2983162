package placement

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxFile is how many bytes a problem file may have: 64 MiB.
const MaxFile = 64 << 20

// Encode writes a valid p as problem.json, version 1: two spaces of
// indentation, a line break at the end. Decode reads it back. The error is that
// of Validate.
func Encode(p Problem) ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	p.Version = 1
	if len(p.Edges) == 0 { // lists, never null
		p.Edges, p.LatencyMS = []Edge{}, [][]float64{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(p); err != nil {
		return nil, fmt.Errorf("write problem %q: %w", p.Name, err)
	}
	return b.Bytes(), nil
}

// Decode reads problem.json, version 1, strictly, and returns a valid Problem
// or everything that is wrong with it in one joined error, up to 100 things,
// each with its path, such as candidates[3].machine_cost: fields that are
// unknown (with the nearest known name) or given twice, values of the wrong
// kind, and what Validate reports. Text that is no JSON, or has more behind it,
// is wrong as a whole.
func Decode(data []byte) (Problem, error) {
	if len(data) > MaxFile {
		return Problem{}, fmt.Errorf("the file is longer than %d MiB", MaxFile>>20)
	}
	if !utf8.Valid(data) {
		return Problem{}, errors.New("the file is no text in UTF-8")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return Problem{}, syntaxError(data, err)
	}
	d := &decoder{scanner{checker: checker{shapes: true}, data: data}}
	p := d.problem()
	errs := slices.Concat(d.errs, p.wrong(d.shapes))
	if len(errs) == 0 {
		return p, nil
	}
	if len(errs) >= maxErrors {
		errs = append(errs[:maxErrors], errors.New("there may be more that is wrong than this"))
	}
	return Problem{}, errors.Join(errs...)
}

// syntaxError says where text stops being JSON.
func syntaxError(data []byte, err error) error {
	var at *json.SyntaxError
	if !errors.As(err, &at) {
		return fmt.Errorf("the file is not JSON: %w", err)
	}
	before := data[:min(max(int(at.Offset)-1, 0), len(data))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return fmt.Errorf("the file is not JSON: line %d, column %d: %w", line, column, err)
}

// A decoder reads the parts of a problem.
type decoder struct{ scanner }

// A field is one key of an object.
type field struct {
	name string
	read func()
}

// fields reads an object and returns the keys that it has.
func (d *decoder) fields(list ...field) map[string]bool {
	names := make([]string, len(list))
	read := make(map[string]func(), len(list))
	for i, f := range list {
		names[i], read[f.name] = f.name, f.read
	}
	return d.object(names, read)
}

func (d *decoder) problem() Problem {
	p := Problem{Version: 1}
	versioned := d.fields(
		field{"version", func() { d.integer(&p.Version) }},
		field{"name", func() { d.string(&p.Name) }},
		field{"value_per_ms", func() { d.number(&p.ValuePerMS) }},
		field{"change_cost", func() { d.number(&p.ChangeCost) }},
		field{"machine_change_cost", func() { d.number(&p.MachineChangeCost) }},
		field{"current", func() {
			p.Current = map[string]int{}
			d.entries(func(code string) {
				count := 0
				d.integer(&count)
				p.Current[code] = count
			})
		}},
		field{"candidates", func() {
			d.list("a list of objects", func() { p.Candidates = append(p.Candidates, d.candidate()) })
		}},
		field{"edges", func() {
			d.list("a list of objects", func() { p.Edges = append(p.Edges, d.edge()) })
		}},
		field{"latency_ms", func() { d.matrix(&p.LatencyMS) }},
		field{"transfer_usd_per_gb", func() { d.matrix(&p.TransferUSDPerGB) }},
		field{"soft_limit", func() { d.number(&p.SoftLimit) }},
		field{"hard_limit", func() { d.number(&p.HardLimit) }},
		field{"limits", func() { p.Limits = d.limits() }},
		field{"autostop", func() { p.Autostop = d.autostop() }},
	)["version"]
	switch {
	case !versioned:
		d.add("version is missing; this program reads version 1")
	case p.Version == 0: // which Validate takes for a Problem made by a program
		d.add("version is 0; this program reads version 1")
	}
	return p
}

func (d *decoder) candidate() Candidate {
	var c Candidate
	d.fields(
		field{"region", func() { d.region(&c.Region) }},
		field{"machine_cost", func() { d.number(&c.MachineCost) }},
		field{"min_machines", func() { d.integer(&c.MinMachines) }},
		field{"max_machines", func() { d.integer(&c.MaxMachines) }},
		field{"required", func() { d.boolean(&c.Required) }},
		field{"backend_ms", func() { d.number(&c.BackendMS) }},
		field{"min_running", func() { d.integer(&c.MinRunning) }},
	)
	return c
}

func (d *decoder) edge() Edge {
	var e Edge
	d.fields(
		field{"region", func() { d.region(&e.Region) }},
		field{"requests", func() { d.number(&e.Requests) }},
		field{"demand", func() { d.numbers(&e.Demand) }},
		field{"gb_out", func() { d.number(&e.GBOut) }},
	)
	return e
}

func (d *decoder) limits() Limits {
	var l Limits
	d.fields(
		field{"min_regions", func() { d.integer(&l.MinRegions) }},
		field{"max_regions", func() { d.integer(&l.MaxRegions) }},
		field{"min_machines", func() { d.integer(&l.MinMachines) }},
		field{"max_machines", func() { d.integer(&l.MaxMachines) }},
		field{"min_machines_per_region", func() { d.integer(&l.MinMachinesPerRegion) }},
		field{"max_changes", func() { d.integer(&l.MaxChanges) }},
		field{"max_monthly_cost", func() { d.number(&l.MaxMonthlyCost) }},
		field{"max_p95_latency_ms", func() { d.number(&l.MaxP95LatencyMS) }},
		field{"target_utilization", func() { d.number(&l.TargetUtilization) }},
		field{"survive", func() { d.string((*string)(&l.Survive)) }},
		field{"shrink_margin", func() { d.number(&l.ShrinkMargin) }},
	)
	return l
}

func (d *decoder) autostop() *Autostop {
	var a Autostop
	d.fields(
		field{"stopped_machine_cost", func() { d.number(&a.StoppedCost) }},
		field{"running_scale", func() { d.number(&a.Scale) }},
		field{"cold_start_ms", func() { d.number(&a.ColdStartMS) }},
		field{"requests_per_hour", func() { d.number(&a.RequestsPerHour) }},
	)
	return &a
}

// region reads a code. One of the wrong kind is reported, and then not missed.
func (d *decoder) region(to *string) {
	if d.next() != '"' {
		*to = d.where()
	}
	d.string(to)
}

func (d *decoder) matrix(to *[][]float64) {
	*to = [][]float64{}
	d.list("a list of lists of numbers", func() {
		var row []float64
		d.numbers(&row)
		*to = append(*to, row)
	})
}

func (d *decoder) numbers(to *[]float64) {
	d.list("a list of numbers", func() {
		var v float64
		d.number(&v)
		*to = append(*to, v)
	})
}

func (d *decoder) string(to *string) {
	if d.next() != '"' {
		d.unlike("a string")
		return
	}
	*to = d.text()
}

func (d *decoder) boolean(to *bool) {
	switch d.next() {
	case 't', 'f':
		*to = d.literal() == "true"
	default:
		d.unlike("true or false")
	}
}

// number reads a number. One that float64 does not hold is out of every bound.
func (d *decoder) number(to *float64) {
	text, ok := d.digits()
	if !ok {
		d.unlike("a number")
		return
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		d.add("%s is %s, beyond what a number can be", d.where(), short(text))
		return
	}
	*to = v
}

// integer reads a whole number, written as one.
func (d *decoder) integer(to *int) {
	text, ok := d.digits()
	if !ok {
		d.unlike("a whole number")
		return
	}
	v, err := strconv.Atoi(text)
	if err != nil {
		d.add("%s is %s; it must be a whole number, such as 2, from 0 to %d", d.where(), short(text), maxCount)
		return
	}
	*to = v
}

// digits reads a number as it is written.
func (d *decoder) digits() (string, bool) {
	if c := d.next(); c != '-' && (c < '0' || c > '9') {
		return "", false
	}
	return d.literal(), true
}

func short(digits string) string {
	const most = 30
	if len(digits) <= most {
		return digits
	}
	return digits[:most] + strings.Repeat(".", 3)
}
