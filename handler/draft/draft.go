package draft

import "callout/handler/callout"

// Draft is a configuration that an import proposes. Nothing of it is stored until
// somebody sends it as a configuration of their own.
type Draft struct {
	// Config passes callout.Config.Validate, but for secrets that the source does
	// not give. The secrets that it does give are in their places.
	Config *callout.Config
	// Notes say, a sentence or two each, what was not taken over and why, what was
	// changed, and what is left to do before the draft is stored. They quote no
	// value of the source.
	Notes []string
}
