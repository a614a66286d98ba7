package callout

// StageResult is how one stage of a test went.
type StageResult struct {
	Stage      Stage  `json:"stage"`
	OK         bool   `json:"ok"`
	DurationMS int64  `json:"durationMs"`
	Detail     string `json:"detail"`
	Advice     string `json:"advice,omitempty"`
}

// TestReport is the outcome of a test: the stages that were run, in order, and
// what was or would be sent, with secrets masked.
type TestReport struct {
	OK       bool          `json:"ok"`
	Summary  string        `json:"summary"`
	Sent     bool          `json:"sent"`
	Stages   []StageResult `json:"stages"`
	Request  *Request      `json:"request"`
	Curl     string        `json:"curl,omitempty"`
	Response *Response     `json:"response"`
	Error    *CallError    `json:"error"`
}
