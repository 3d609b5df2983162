package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// plainText writes a value as it would stand in a flag. Lists may be lists,
// and counts mappings.
func plainText(o Option, n *yaml.Node) (string, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		return scalar(n)
	case yaml.SequenceNode:
		if !slices.Contains([]Kind{Names, Choices, Regions, Counts}, o.Kind()) {
			return "", errors.New("want one value, not a list")
		}
		var items []string
		for _, item := range n.Content {
			text, err := scalar(item)
			if err != nil {
				return "", err
			}
			if text == "" {
				return "", errors.New("the list has an empty item")
			}
			items = append(items, text)
		}
		return strings.Join(items, ", "), nil
	case yaml.MappingNode:
		if o.Kind() != Counts {
			return "", errors.New("want a value, not a mapping")
		}
		return countsText(n)
	default:
		return "", fmt.Errorf("want a value, not %s", kindOf(n))
	}
}

func countsText(n *yaml.Node) (string, error) {
	var pairs []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, err := scalar(n.Content[i])
		if err != nil {
			return "", err
		}
		count, err := scalar(n.Content[i+1])
		if err != nil {
			return "", err
		}
		pairs = append(pairs, name+"="+count)
	}
	return strings.Join(pairs, ", "), nil
}

func scalar(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode {
		return "", fmt.Errorf("want a plain value, not %s", kindOf(n))
	}
	switch n.ShortTag() {
	case "!!null":
		return "", nil
	case "!!str", "!!int", "!!float", "!!bool", "!!timestamp":
		return strings.TrimSpace(n.Value), nil
	}
	return "", fmt.Errorf("want a plain value, not one tagged %s", quote(n.Tag))
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias (write the value out, or use `defaults:`)"
	default:
		return "a single value"
	}
}
