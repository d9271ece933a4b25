import Foundation
import PrismCore
import PrismModels
import PrismTestSupport
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct PatchingTests {
    /// One clear sentence for each mistake.
    @Test func refusesWhatIsNotThere() {
        func message(dictionaries: [PlacedDictionary] = [], _ change: (inout Patching) -> Void) -> String {
            var patching = Patching()
            change(&patching)
            do {
                _ = try patching.report(
                    on: PairedRunsTests.model, PairedRunsTests.pairs, dictionaries: dictionaries, named: ("", ""))
                return ""
            } catch { return "\(error)" }
        }
        let dictionary = Fixture.dictionary(at: .residualPre(layer: 1))
        #expect(message { $0.layers = [1, 3] }.contains("there is no layer 3"))
        #expect(message { $0.position = "S2" }.contains("has no position ‘S2’; its positions are 0, 1"))
        #expect(message { $0.sites = [.latents] }.contains("name a run"))
        #expect(message(dictionaries: [dictionary]) { _ in }.contains("--site latents"))
        #expect(
            message(dictionaries: [dictionary]) { ($0.sites, $0.latents) = ([.latents], [64]) }
                .contains("there is no latent 64"))
        #expect(
            message { ($0.sites, $0.receivers) = ([.paths], [try! HeadInput("3.0.q")]) }.contains("there is no 3.0.q"))
        #expect(
            message { ($0.sites, $0.receivers) = ([.paths], [try! HeadInput("0.0.q")]) }.contains("layer 0"))
    }

    /// Every site at once: the record is what the page is made of, and comes back from JSON.
    @Test func writesEverySite() throws {
        var patching = Patching()
        patching.sites = PatchingSite.allCases
        patching.top = 4
        let report = try patching.report(
            on: PairedRunsTests.model, PairedRunsTests.pairs,
            dictionaries: [Fixture.dictionary(at: .residualPre(layer: 1))], named: ("tiny", "three pairs"))
        #expect(
            report.record.maps.map(\.title) == [
                "residual stream", "attention output", "MLP output", "heads", "paths to the logits",
            ])
        #expect(
            report.record.units.map(\.name) == [
                "neurons", "latents of random", "axes of blocks.1.hook_resid_pre",
            ])
        let first = report.record.maps[0]
        #expect(first.effects.allSatisfy { $0.count == first.columns.count })
        try withTemporaryFolder { folder in
            try report.write(to: folder)
            let again = try JSONDecoder().decode(
                PatchingReport.Record.self, from: Files.read(folder.appending(path: "patching.json")))
            func values(_ record: PatchingReport.Record) -> [[[Double]]] {
                record.maps.map { $0.effects.map { $0.map(\.value) } }
            }
            #expect(values(again) == values(report.record))
            #expect(FileManager.default.fileExists(atPath: folder.appending(path: "report.html").path))
        }
    }

    /// The real model names the indirect object, and what decides it reaches the last position in the late layers.
    @Test func theRealModelNamesTheIndirectObject() throws {
        let url = try realModel()
        let model = try Transformer(loading: url, precision: .fp32, backend: CPUBackend())
        let pairs = try PatchingTask("ioi").pairs(count: 12, tokenizer: try PatchingTaskTests.tokenizer.get())
        var patching = Patching()
        (patching.sites, patching.layers) = ([.residual], [0, 29])
        let record = try patching.report(on: model, pairs, named: ("", "")).record
        #expect(record.clean.preferring.value == 1 && record.clean.odds.value > 3)
        let map = record.maps[0]
        let (subject, end) = (map.columns.firstIndex(of: "S2")!, map.columns.firstIndex(of: "end")!)
        #expect(map.effects[0][subject].value == 1 && map.effects[0][end].value == 0)
        #expect(map.effects[1][subject].value < 0.2 && map.effects[1][end].value > 0.8)
    }
}
