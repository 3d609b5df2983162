package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// contradictions finds the limits of a policy that no placement can meet,
// whatever the traffic. values are where each limit came from.
func contradictions(p plan.Policy, values layer) []Problem {
	c := &checker{policy: p, values: values}
	c.bounds()
	c.regions()
	c.machines()
	return c.problems
}

type checker struct {
	policy   plan.Policy
	values   layer
	problems []Problem
}

// name writes a limit with its value and where it came from.
func (c *checker) name(option string) string {
	v := c.values[option]
	return fmt.Sprintf("%s %s (%s)", option, strings.Join(strings.Fields(v.text), " "), v.origin)
}

// fail reports limits that contradict each other, under the one that a person
// set, for an annotation.
func (c *checker) fail(options []string, err error) {
	p := Problem{Option: options[0], Text: err.Error(), cause: err}
	for _, o := range options {
		if v := c.values[o]; v.file != "" {
			p.File, p.Line = v.file, v.line
			break
		}
	}
	c.problems = append(c.problems, p)
}

func (c *checker) bounds() {
	p := c.policy
	if p.MaxRegions > 0 && p.MinRegions > p.MaxRegions {
		c.fail([]string{"min-regions", "max-regions"},
			fmt.Errorf("%s is more than %s", c.name("min-regions"), c.name("max-regions")))
	}
	if p.MaxMachines > 0 && p.MinMachines > p.MaxMachines {
		err := fmt.Errorf("%s is more than %s", c.name("min-machines"), c.name("max-machines"))
		if c.values["min-machines"].where == "" {
			err = hint.Wrap(err, "set min-machines as well, to %d", p.MaxMachines)
		}
		c.fail([]string{"min-machines", "max-machines"}, err)
	}
}

// required are the regions that every placement has, sorted.
func (c *checker) required() []region.Code {
	codes := slices.Clone(c.policy.Require)
	for code := range c.policy.MinInRegion {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func (c *checker) regions() {
	p := c.policy
	inRegion := slices.Clone(c.required())
	inRegion = slices.DeleteFunc(inRegion, func(code region.Code) bool { return p.MinInRegion[code] == 0 })
	for _, wanted := range []struct {
		option string
		codes  []region.Code
	}{{"require-regions", p.Require}, {"min-in-region", inRegion}} {
		for _, code := range wanted.codes {
			if r, _ := region.BuiltIn().Lookup(code); r.Status != region.Deployable {
				c.fail([]string{wanted.option}, notDeployable(c.name(wanted.option), r))
			}
			if slices.Contains(p.Exclude, code) {
				c.fail([]string{wanted.option, "exclude-regions"}, fmt.Errorf("%s is in %s and in %s",
					code, c.name(wanted.option), c.name("exclude-regions")))
			}
			if len(p.Allow) > 0 && !slices.Contains(p.Allow, code) {
				c.fail([]string{wanted.option, "allow-regions"}, fmt.Errorf("%s is in %s but not in %s",
					code, c.name(wanted.option), c.name("allow-regions")))
			}
		}
	}
	if required := c.required(); p.MaxRegions > 0 && len(required) > p.MaxRegions {
		c.fail([]string{"max-regions", "require-regions", "min-in-region"}, fmt.Errorf("%s is less than the %d regions of %s",
			c.name("max-regions"), len(required), c.sources("require-regions", "min-in-region")))
	}
	if p.Survive == placement.Region && p.MaxRegions == 1 {
		c.fail([]string{"survive", "max-regions"}, fmt.Errorf("%s needs two regions, more than %s", c.name("survive"), c.name("max-regions")))
	}
	if left := c.left(); p.Survive == placement.Region && left == 1 {
		c.fail([]string{"survive", "allow-regions", "exclude-regions"}, fmt.Errorf("%s needs two regions, more than %s leave",
			c.name("survive"), c.sources("allow-regions", "exclude-regions")))
	} else if left < max(1, p.MinRegions) {
		from := ""
		if narrowed := c.sources("allow-regions", "exclude-regions"); narrowed != "" {
			from = " that " + narrowed + " leave"
		}
		c.fail([]string{"min-regions", "allow-regions", "exclude-regions"},
			fmt.Errorf("%s is more than the %d deployable regions%s", c.name("min-regions"), left, from))
	}
}

func notDeployable(limit string, r region.Region) error {
	err := fmt.Errorf("%s names %s (%s), which runs no Machines", limit, r.Code, r.Name)
	if standIn, ok := region.BuiltIn().StandIn(r.Code); ok {
		return hint.Wrap(err, "%s stands in for %s", standIn, r.Code)
	}
	return err
}

// left counts the deployable regions that are allowed and not excluded.
func (c *checker) left() int {
	n := 0
	for _, r := range region.BuiltIn().Deployable() {
		allowed := len(c.policy.Allow) == 0 || slices.Contains(c.policy.Allow, r.Code)
		if allowed && !slices.Contains(c.policy.Exclude, r.Code) {
			n++
		}
	}
	return n
}

// sources names those of the options that have a value.
func (c *checker) sources(options ...string) string {
	var list []string
	for _, o := range options {
		if _, set := c.values[o]; set {
			list = append(list, c.name(o))
		}
	}
	return strings.Join(list, " and ")
}

func (c *checker) machines() {
	p := c.policy
	if p.MaxMachines == 0 {
		return
	}
	inRegions := 0
	for _, n := range p.MinInRegion {
		inRegions += n
	}
	if inRegions > p.MaxMachines {
		c.fail([]string{"min-in-region", "max-machines"}, fmt.Errorf("%s adds up to %d Machines, more than %s",
			c.name("min-in-region"), inRegions, c.name("max-machines")))
		return
	}
	if need := p.MinRegions * p.MinMachinesPerRegion; need > p.MaxMachines {
		c.fail([]string{"min-regions", "min-machines-per-region", "max-machines"}, fmt.Errorf("%s × %s is %d Machines, more than %s",
			c.name("min-regions"), c.name("min-machines-per-region"), need, c.name("max-machines")))
		return
	}
	// Each required region takes its own least; the rest of min-regions the common one.
	required := c.required()
	need := max(0, p.MinRegions-len(required)) * p.MinMachinesPerRegion
	for _, code := range required {
		need += max(p.MinMachinesPerRegion, p.MinInRegion[code], 1)
	}
	if need > p.MaxMachines {
		c.fail([]string{"max-machines", "require-regions", "min-in-region"}, fmt.Errorf("%s is less than the %d Machines that %s need together",
			c.name("max-machines"), need, c.sources("min-regions", "min-machines-per-region", "require-regions", "min-in-region")))
	}
}
