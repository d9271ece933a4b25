import PrismCore
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct AttributionAgreementTests {
    /// A place that the answer is linear in: every method agrees entirely. Of more units than asked for some are drawn.
    @Test func isOneWhereTheModelIsLinear() throws {
        let questions = try [AttributedRunTests.prompt, [9, 8, 7, 6]].map {
            try AttributionQuestion($0, answers: [7], foils: [12], baseline: .zero)
        }
        let found = try AttributionAgreement(
            Fixture.model(), questions, [AttributionPlace(.columns(1), at: .finalNorm)], [.linear, .integrated],
            most: 50, seed: 0, progress: Progress("", total: 2, unit: ""), workers: Workers(count: 2))
        #expect(found.prompts == 2 && found.units == 50)
        for method in found.methods {
            // Units of earlier positions do nothing, and share a rank.
            #expect(method.pearson.value > 0.9999 && method.spearman.value > 0.99)
            #expect(method.places[0].pearson! > 0.9999)
        }
        #expect(found.methods.map(\.method) == [.linear, .integrated])
        #expect(found.methods.map(\.complete) == [nil, 1] && found.methods.map(\.steps) == [nil, 8])
    }

    @Test func reportRanksAndVerifies() throws {
        let run = try AttributedRunTests.run(AttributedRunTests.places)
        let report = try AttributionReport(run, .gradient, top: 8, verified: 5) { "token \($0)" }
        #expect(report.rows.count == 8 && report.rows.compactMap(\.ablated).count == 5)
        #expect(report.rows.map { abs($0.attributed) } == report.rows.map { abs($0.attributed) }.sorted(by: >))
        #expect(report.rows.allSatisfy { $0.token == "token \(AttributedRunTests.prompt[$0.position])" })
        #expect(report.pearson! > 0.9 && report.unitCount == run.units.count)
    }
}
