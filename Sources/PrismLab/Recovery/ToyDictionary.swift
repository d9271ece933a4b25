import PrismCore
import PrismDictionaries
import PrismMetrics
import PrismTensor

/// A dictionary trained on a toy model's hidden layer, where the features that it should find are known: feature i is
/// direction Wᵢ.
struct ToyDictionary {
    let dictionary: SparseDictionary
    /// Wᵢ of the features that the model represents (‖Wᵢ‖ > ½), [features, hidden].
    let directions: Tensor

    /// - latents: F. k: active latents for each sample, of architectures that fix it. sparsity: λ of the others.
    init(
        _ architecture: Architecture, latents: Int, k: Int, sparsity: Float? = nil, on model: ToyModel, seed: UInt64,
        steps: Int = 2000, workers: Workers
    ) throws {
        let embeddings = model.embeddings
        let norms = DoubleMatrix(embeddings).rowNorms
        directions = embeddings.gathered(norms.indices.filter { norms[$0] > 0.5 })

        var configuration = TrainingConfiguration()
        configuration.architecture = architecture
        configuration.latents = latents
        configuration.k = k
        configuration.sparsity = sparsity
        configuration.batch = 512
        configuration.steps = steps
        configuration.seed = seed
        configuration.learningRate = 0.003
        configuration.precision = .fp32
        let trainer = try DictionaryTrainer(configuration, Wiring(width: embeddings.rowWidth), workers: workers)
        // Every sample is seen a few times, in another order of batches each.
        let samples = model.configuration.features.samples(64 * configuration.batch, seed: seed, stream: "dictionary")
        let hidden = model.run(samples).hidden
        trainer.initialise(from: hidden.rows(0..<configuration.batch))
        for step in 0..<steps {
            if step % 64 == 0 { try Interrupt.check() }
            let start = step * 37 % 64 * configuration.batch
            _ = try trainer.train(on: hidden.rows(start..<start + configuration.batch))
        }
        dictionary = trainer.dictionary()
    }

    /// Mean |cos| of features and latents, matched one to one.
    func mcc(workers: Workers) -> Double {
        let matched = FeatureMatching(decoder: dictionary.decoder, directions: directions, workers: workers).matched
        return matched.reduce(0) { $0 + Double($1) } / Double(matched.count)
    }

    /// |cos| of each latent (row) to each feature (column).
    func cosines() -> [[Double]] {
        let (latents, features) = (DoubleMatrix(dictionary.decoder).unitRows, DoubleMatrix(directions).unitRows)
        let products = latents.times(features, transposingOther: true)
        return (0..<products.rowCount).map { products.row($0).map(abs) }
    }
}
