import ArgumentParser
import PrismLab

struct LabRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs experiments by name and holds what they find against what was published.",
        discussion: """
            Example:
              prism lab run pentagon geometry --out runs/geometry
            """)

    @Argument(help: ArgumentHelp("Names out of `prism lab list`.", valueName: "name")) var names: [String]
    @OptionGroup var options: LabOutput

    func run() throws {
        let experiments = try names.map { try Experiment.named($0) }
        try options.run(experiments, title: experiments.count == 1 ? experiments[0].title : "Superposition lab")
    }
}
