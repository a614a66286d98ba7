package canary

import (
	"path/filepath"
	"testing"

	"callout/handler/storetest/azurite"
	"callout/handler/storetest/vaultserver"
)

// What the stores on Azure hold is another thing; what is redacted is the same. So
// there are all places, and of each kind of answer one.
func TestMatrixOnAzure(t *testing.T) {
	t.Parallel()
	g := newGarden(2)
	parrot, vault, server := newParrot(t, g), vaultserver.Start(t), azurite.Start(t)
	p := start(t, append(vault.IdentityEnv(), "CALLOUT_TABLES="+server.ConnectionString(), "CALLOUT_VAULT="+vault.URL(),
		"CALLOUT_DATA_DIR="+filepath.Join(t.TempDir(), "unused"), "SSL_CERT_FILE="+trust(t, parrot.trusted, vault.CertFile()))...)
	m := newMatrix(t, g, parrot, p)
	stage := m.stages(t)
	stage("API", 16, m.atAPI([]string{"text-200", "json-401", "html-500", "gzip-429", "header-302", "reset"}, []string{"json-200"}, nil))
	stage("provider", 16, m.atProvider())
	m.listed()
	p.stop(t)
	m.printed(p)
	rows := m.searchTables(t, server)
	if rows < 500 {
		t.Errorf("only %d rows were read", rows)
	}
	m.finish(t)
}

// searchTables looks through every row, and says how many there are.
func (m *matrix) searchTables(t *testing.T, server *azurite.Server) (rows int) {
	t.Helper()
	tables(t, server, func(what, text string) {
		rows++
		m.see(what, text)
	})
	return rows / 2 // each was seen packed and unpacked
}
