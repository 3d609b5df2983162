package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
)

// longestRegion is more letters than any name has that a region is known by.
const longestRegion = 40

// places are the regions that a text names, and the areas among its words.
type places struct {
	codes []region.Code // sorted; of the areas, those that run Machines
	areas []region.Area // sorted
}

// everywhere returns the codes with those of the areas that run no Machines:
// what is kept out of an area is kept out of a region that opens there again.
func (p places) everywhere() []region.Code {
	codes := slices.Clone(p.codes)
	for _, r := range region.BuiltIn().All() {
		if slices.Contains(p.areas, r.Area) {
			codes = append(codes, r.Code)
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func parseRegions(_ Option, text string) (places, error) {
	list := fields(text)
	if len(list) == 0 {
		return places{}, errors.New("want region codes such as iad, or areas: eu, na, sa, apac, africa")
	}
	if i := slices.IndexFunc(list, func(name string) bool { return len(name) > longestRegion }); i >= 0 {
		return places{}, fmt.Errorf("%s is no region", quote(list[i]))
	}
	codes, err := region.BuiltIn().Expand(list)
	if len(hint.Of(err)) > 0 { // something like no region; an area, perhaps
		err = hint.Wrap(err, "areas are eu, na, sa, apac and africa")
	}
	if err != nil {
		return places{}, err
	}
	var areas []region.Area
	for _, name := range list {
		if area, err := region.ParseArea(name); err == nil {
			areas = append(areas, area)
		}
	}
	slices.Sort(areas)
	return places{codes, slices.Compact(areas)}, nil
}

func parseRegion(_ Option, text string) (region.Code, error) {
	if len(text) > longestRegion {
		return "", errors.New("want one region code such as iad")
	}
	return region.BuiltIn().Parse(text)
}

// aroundEquals finds the blanks that may stand on both sides of "=".
var aroundEquals = regexp.MustCompile(`[ \t]*=[ \t]*`)

func parseCounts(o Option, text string) (map[region.Code]int, error) {
	catalog := region.BuiltIn()
	found := map[region.Code]int{}
	var problems []error
	for _, pair := range fields(aroundEquals.ReplaceAllString(text, "=")) {
		name, count, both := strings.Cut(pair, "=")
		if !both || len(name) > longestRegion {
			problems = append(problems, fmt.Errorf("%s is not a region with a count: want a list such as iad=4, fra=2", quote(pair)))
			continue
		}
		code, err := catalog.Parse(name)
		if err != nil {
			problems = append(problems, err)
		}
		n, countErr := parseInteger(o, count)
		if countErr != nil {
			problems = append(problems, fmt.Errorf("%s: %w", quote(pair), countErr))
		}
		if err != nil || countErr != nil {
			continue
		}
		if _, twice := found[code]; twice {
			problems = append(problems, fmt.Errorf("%s is there twice", code))
		}
		found[code] = n
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if len(found) == 0 {
		return nil, errors.New("want a list such as iad=4, fra=2")
	}
	return found, nil
}
