import Foundation
import PrismAtlas
import PrismCore
import PrismTestSupport
import Testing

@testable import PrismLab

@Suite struct ExperimentTests {
    @Test func namesAreUniqueAndExplained() throws {
        #expect(Set(Experiment.all.map(\.name)).count == Experiment.all.count)
        for experiment in Experiment.all {
            #expect(experiment.explanation.count > 100 && !experiment.source.isEmpty)
            #expect(try Experiment.named(experiment.name).title == experiment.title)
        }
        // All together in twenty minutes.
        #expect(Experiment.all.reduce(0) { $0 + $1.expectedSeconds } < 1200)
    }

    @Test func aMistypedNameIsAnsweredByTheNearest() {
        let error = #expect(throws: PrismError.self) { try Experiment.named("pentagn") }
        #expect(error?.message.contains("‘pentagon’") == true)
    }

    @Test func spreadsShowTheMedianAndTheEnds() {
        let claim = Claim("size", spread: [3, 1, 2], criterion: "above 1.5") { $0 > 1.5 }
        #expect(claim.got == "2 (1 to 3)" && claim.holds)
        #expect(Claim("size", spread: [-2, -1], criterion: "below 0") { $0 < 0 }.got == "−1.5 (−2 to −1)")
        #expect(Claim("size", spread: [1e-16], criterion: "0") { $0 < 1e-9 }.got == "1e−16")
        #expect(!Claim("size", spread: [1], criterion: "above 1.5") { $0 > 1.5 }.holds)
    }

    /// Everything that a run leaves behind, from one experiment that takes no training.
    @Test func aReportHoldsNumbersAndFigures() throws {
        try withTemporaryFolder { folder in
            let experiment = try Experiment.named("polytopes")
            let findings = try experiment.run(in: Lab())
            #expect(findings.claims.allSatisfy { $0.holds })
            try LabReport(title: "Test", seed: 3, [(experiment, findings)]).write(to: folder)
            let entries = try JSONDecoder().decode(
                [LabReport.Entry].self, from: Data(contentsOf: folder.appending(path: "findings.json")))
            #expect(entries.count == 1 && entries[0].claims == findings.claims && entries[0].seed == 3)
            #expect(!entries[0].figures.isEmpty)
            for name in entries[0].figures {
                let figure = try JSONDecoder().decode(
                    ChartSpecification.self, from: Data(contentsOf: folder.appending(path: name)))
                guard case .object(let members) = figure else { Issue.record("\(name) is no object"); continue }
                #expect(members["$schema"] != nil)
            }
            let page = try String(contentsOf: folder.appending(path: "report.html"), encoding: .utf8)
            #expect(
                page.contains(experiment.title) && page.contains("1 of 1 claims hold") == (findings.claims.count == 1))
        }
    }
}
