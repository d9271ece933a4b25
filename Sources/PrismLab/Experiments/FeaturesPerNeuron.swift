import Foundation
import PrismAtlas
import PrismTensor

extension Experiment {
    static let featuresPerNeuron = Experiment(
        "features-per-neuron", title: "How many features fit into a neuron at a given error", topic: .design,
        source: "derived", expectedSeconds: 90,
        explanation: """
            ReLU output models of n equally important features in m dimensions, trained over a grid of n, density p and \
            m, against the error that `prism design` predicts from interference alone (error: the loss over the features' \
            energy Σ E xᵢ²; the theory stands in `InterferenceModel`). This is the grid on which the designer was validated.
            """
    ) { lab in
        let grid = DesignGrid.cells
        let trained = try lab.train(grid.map { $0.configuration(seed: lab.seed) })
        var rows: [[String]] = []
        for (cell, result) in zip(grid, trained) {
            let predicted = InterferenceModel(
                features: Double(cell.features), density: cell.density, width: Double(cell.width)
            ).optimum()
            let error = result.loss / (Double(cell.features) * cell.density / 3)
            rows.append([
                "\(cell.features)", "\(cell.density)", "\(cell.width)", Claim.text(predicted.error, 3),
                Claim.text(error, 3), Claim.text(error / predicted.error, 3), Claim.text(predicted.gain, 3),
                Claim.text(predicted.bias, 3), Claim.text(Double(result.model.biases.output[0]), 3),
            ])
        }
        return Findings(
            claims: [],
            parts: [
                .table(
                    columns: ["n", "p", "m", "predicted", "trained", "ratio", "gain", "bias", "trained bias"],
                    rows: rows)
            ])
    }
}

struct DesignGrid {
    let features: Int
    let density: Double
    let width: Int
    static let cells: [DesignGrid] = [256, 1024].flatMap { n in
        [0.003, 0.01, 0.03, 0.1].flatMap { p in
            [0.1, 0.2, 0.4].map { DesignGrid(features: n, density: p, width: Int($0 * Double(n))) }
        }
    }
    func configuration(seed: UInt64) -> ToyConfiguration {
        var configuration = ToyConfiguration(
            FeatureDistribution(count: features, density: [Float(density)]), hidden: width)
        configuration.batch = 256
        configuration.steps = 2000
        configuration.learningRate = 0.005
        configuration.decaysRate = true
        configuration.warmup = 100
        configuration.seed = seed
        return configuration
    }
}
