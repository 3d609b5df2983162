// Package placement finds the regions and Machine counts that serve a demand
// best, and proves it.
package placement
