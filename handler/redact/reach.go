package redact

// mostPerByte is how many bytes an encoding may make of one of a secret.
const mostPerByte = 16

// Reach is how many bytes the beginning of a secret can take up before the end of
// a text, and so how many more have to be read than are kept.
func (r *Redactor) Reach() int { return max(0, mostPerByte*r.longest-1) }
