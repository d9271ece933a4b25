import PrismTensor
import Testing

@testable import PrismLab

struct MonosemanticBiasTests {
    @Test func countsNeuronsWithOneFeatureAboveTheirBias() throws {
        var configuration = ToyConfiguration(FeatureDistribution(count: 3, density: [0.1]), hidden: 3)
        (configuration.isTied, configuration.hasHiddenBias, configuration.hiddenActivation) = (false, true, .relu)
        let model = try ToyModel(configuration)
        // Neuron 0 hears feature 0 alone, neuron 1 hears feature 1 and, below its bias, 2; neuron 2 hears two.
        let embeddings = Tensor(shape: [3, 3], [1, 0, 1, 0, 1, 1, 0, 0.4, 0])
        model.set(embeddings: embeddings, readouts: Tensor(3, 3), hiddenBias: [0, -0.5, 0])
        #expect(Experiment.monosemanticNeurons(model) == 2)
    }
}
