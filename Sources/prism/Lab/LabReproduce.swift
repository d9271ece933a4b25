import ArgumentParser
import PrismLab

struct LabReproduce: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reproduce",
        abstract: "Runs every experiment: each published number beside its closed form and what came out here.",
        discussion: """
            Takes some fifteen minutes on two cores. A claim whose criterion is not met is shown as failed; the exit \
            status is 0 all the same.

            Example:
              prism lab reproduce --out runs/lab
            """)

    @OptionGroup var options: LabOutput

    func run() throws { try options.run(Experiment.all, title: "Superposition lab") }
}
