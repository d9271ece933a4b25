import ArgumentParser
import Foundation
import PrismCore
import PrismLab

struct LabCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lab",
        abstract: "Superposition on models small enough to know the truth: published phenomena beside their theory.",
        discussion: """
            Examples:
              prism lab list
              prism lab run pentagon --out runs/pentagon
              prism lab reproduce --out runs/lab
            """,
        subcommands: [LabList.self, LabRun.self, LabReproduce.self, LabTrain.self, LabOracle.self])
}

struct LabList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Names every experiment.")

    func run() throws {
        let width = Experiment.all.map(\.name.count).max() ?? 0
        for topic in Experiment.Topic.allCases {
            print(topic.rawValue)
            for experiment in Experiment.all where experiment.topic == topic {
                print(
                    "  \(experiment.name.padding(toLength: width, withPad: " ", startingAt: 0))  "
                        + "\(experiment.title) (\(experiment.source))")
            }
        }
    }
}

/// What every work of the lab takes.
struct LabOutput: ParsableArguments {
    @Option(help: ArgumentHelp("New folder for the numbers, figures and report.html.", valueName: "folder"))
    var out: String?
    @Option(help: ArgumentHelp("Seed of everything random; equal seeds give equal bytes.", valueName: "n"))
    var seed: UInt64 = 0
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption
}

extension LabOutput {
    /// Runs experiments one after the other and shows what they found.
    func run(_ experiments: [Experiment], title: String) throws {
        Interrupt.install()
        if let out { try Files.createOutput(URL(filePath: out)) }
        var results: [(experiment: Experiment, findings: Findings)] = []
        var pace = LabPace(experiments)
        for experiment in experiments {
            pace.announce(experiment)
            let lab = Lab(seed: seed, workers: threads.workers, label: experiment.name)
            let findings = try pace.timing(experiment) { try experiment.run(in: lab) }
            results.append((experiment, findings))
            if !json { show(experiment, findings) }
        }
        let report = LabReport(title: title, seed: seed, results)
        if json { try printJSON(report.entries) }
        guard let out else { return }
        try report.write(to: URL(filePath: out))
        if !json { print(URL(filePath: out).appending(path: "report.html").path) }
    }

    private func show(_ experiment: Experiment, _ findings: Findings) {
        print("\(experiment.name): \(experiment.title) (\(experiment.source))")
        for claim in findings.claims {
            print("  \(claim.holds ? "✓ holds" : "✗ FAILS")  \(claim.phenomenon)")
            var columns = [("published", claim.published), ("closed form", claim.closedForm)]
            columns += [("got", claim.got), ("criterion", claim.criterion)]
            let facts = columns.compactMap { name, value in value.map { "\(name): \($0)" } }
            print("           \(facts.joined(separator: " · "))")
        }
        // Progress lines go elsewhere; where both end in one file, each experiment shall be in its place.
        fflush(nil)
    }
}

/// How long the experiments that are left will take: their expected times, scaled by how fast those before were.
private struct LabPace {
    private var left: Double
    private var expected = 0.0
    private var spent = 0.0
    private let count: Int
    private var number = 0

    init(_ experiments: [Experiment]) {
        count = experiments.count
        left = experiments.reduce(0) { $0 + $1.expectedSeconds }
    }

    mutating func announce(_ experiment: Experiment) {
        number += 1
        guard count > 1 else { return }
        // The expected times count as ten seconds of experience, so that the first experiments do not sway it.
        let scale = (spent + 10) / (expected + 10)
        let minutes = Int((left * scale / 60).rounded(.up))
        writeToStandardError("[\(number)/\(count)] \(experiment.name), about \(minutes) min left in all\n")
    }

    mutating func timing<R>(_ experiment: Experiment, _ body: () throws -> R) rethrows -> R {
        let start = ContinuousClock.now
        let result = try body()
        spent += (ContinuousClock.now - start) / .seconds(1)
        expected += experiment.expectedSeconds
        left -= experiment.expectedSeconds
        return result
    }
}
