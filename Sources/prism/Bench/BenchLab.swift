import ArgumentParser
import Foundation
import PrismCore
import PrismLab
import PrismTensor

struct BenchLab: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lab",
        abstract: "Times training steps of toy models against the matrix products they stand for.",
        discussion: """
            The cases: 20 features in 5 dimensions, 8 instances; 400 in 30, 8 and 24 instances. Densities of the instances \
            run from 1 to 1/20, batches of 1024 samples are drawn anew for every step, Adam. One step here trains every \
            instance once. The floor is the step's five matrix products, without skipping zeros, at the pace of one large \
            product of the BLAS library in the same run. PyTorch at its best made 438, 22 and 7.4 steps a second on two \
            cores (Zen 4).
            """)

    @Option(help: "Steps of each case's timed runs: the first case's, of which the others take a twentieth.")
    var steps = 8000
    @Option(help: "Timed runs of each case.") var rounds = 5
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    private struct Case {
        let name: String
        let features, hidden, instances, share: Int
        let peer: Double
    }

    private static let cases = [
        Case(name: "20_to_5_of_8", features: 20, hidden: 5, instances: 8, share: 1, peer: 438),
        Case(name: "400_to_30_of_8", features: 400, hidden: 30, instances: 8, share: 20, peer: 22),
        Case(name: "400_to_30_of_24", features: 400, hidden: 30, instances: 24, share: 20, peer: 7.4),
    ]

    func run() throws {
        let product = LargeProduct(precision: .fp32, workers: threads.workers)
        var figures: [(String, Double)] = []
        for item in Self.cases {
            let steps = max(1, steps / item.share)
            let configurations = (0..<item.instances).map { instance in
                let density = pow(20, -Float(instance) / Float(item.instances - 1))
                var configuration = ToyConfiguration(
                    FeatureDistribution(count: item.features, density: [density]), hidden: item.hidden)
                configuration.steps = steps
                configuration.seed = UInt64(instance)
                return configuration
            }
            let lab = Lab(workers: threads.workers)
            let flops = 10.0 * Double(item.features * item.hidden * 1024 * item.instances)
            var (rates, floors) = ([Double](), [Double]())
            for _ in 0..<rounds {
                floors.append(product.rate() / flops)
                rates.append(Double(steps) / (try seconds { _ = try lab.train(configurations) }))
            }
            figures += [
                ("\(item.name)_steps_per_second", median(rates)),
                ("\(item.name)_floor_steps_per_second", median(floors)),
                ("\(item.name)_share_of_floor", median(zip(rates, floors).map(/))),
                ("\(item.name)_times_peer", median(rates) / item.peer),
            ]
        }
        try printFigures(figures, json: json)
    }
}
