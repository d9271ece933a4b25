import PrismCore
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct PatchTests {
    /// Transcoders read in one place and write in another; what the source’s latents add is the decoder’s difference.
    @Test func latentsAddWhatTheDecoderSays() throws {
        let reads = HookPoint.mlpIn(layer: 1)
        let placed = Fixture.dictionary(at: reads)
        let runs = try PairedRunsTests.runs()
        let differences = LatentDifferences(
            placed, base: runs.base[reads], source: runs.source[reads], workers: Workers())
        let decoded = [runs.base, runs.source].map { captured -> Tensor in
            let out = Tensor(captured[reads].rowCount, 32)
            placed.dictionary.decode(placed.encode(captured[reads]), into: out)
            return out
        }
        for row in [2, 7, 9] {
            let x = Tensor(1, 32)
            Patch.apply(.latents(differences, members: nil), to: x.data, from: x, row: row)
            for c in 0..<32 { #expect(abs(x.data[c] - (decoded[1][row][c] - decoded[0][row][c])) < 1e-5) }
            let some = Tensor(1, 32)
            let members = Set(differences.rows[row].prefix(1).map(\.latent))
            Patch.apply(.latents(differences, members: members), to: some.data, from: some, row: row)
            let (latent, difference) = differences.rows[row][0]
            for c in 0..<32 { #expect(some.data[c] == difference * placed.dictionary.decoder[latent][c]) }
        }
    }
}
