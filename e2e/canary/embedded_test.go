package canary

import "testing"

// The whole matrix, with the embedded store.
func TestMatrixOnTheEmbeddedStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := newGarden(1)
	parrot := newParrot(t, g)
	p := start(t, "CALLOUT_DATA_DIR="+dir, "SSL_CERT_FILE="+trust(t, parrot.trusted))
	m := newMatrix(t, g, parrot, p)
	stage := m.stages(t)
	stage("API", 16, m.atAPI(everyWay, fewer, some))
	stage("provider", 16, m.atProvider())
	stage("astray", 16, m.astray())
	stage("out of shape", 16, m.outOfShape())
	stage("slow", 64, m.slow())
	stage("cut", 16, m.cuts())
	stage("bad input", 16, m.bad())
	m.listed()
	p.stop(t)
	m.printed(p)
	directory(t, dir, m.scan, m.see)
	m.finish(t)
}
